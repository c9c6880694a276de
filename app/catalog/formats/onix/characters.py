"""The bytes of a message as UTF-8 that XML can hold, as browsers read what is declared wrongly.

Latin-1 is Windows-1252, and so are references to the characters from U+0080 to U+009F. References by name of HTML
(`&eacute;`), which ONIX 2.1 had by its DTD, are characters. Control characters, which stop any XML parser, become
marks that `drop_marks` takes out of a product again.
"""

import codecs
import html
import re

from lxml.etree import _Element

from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.onix.tags import reference_name
from app.catalog.formats.record import RowProblem

_MARK = "\ufdd0"
"""A code point that no text has: Unicode keeps it for uses such as this one."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_REFERENCES = re.compile(r"&(?:#(?:0*(\d{1,3})|[xX]0*([0-9A-Fa-f]{1,2}))|([A-Za-z][A-Za-z0-9]{1,31}));")
_OF_XML = frozenset({"amp", "lt", "gt", "quot", "apos"})
_MOST_OF_A_NAME = 2
"""Characters that a name of HTML stands for; an unknown one stays as it is."""

_LONGEST_REFERENCE = 34
_BYTE_ORDER_MARK = "\ufeff"
_SPACE = " \t\r\n"
_OF_WINDOWS = {"iso88591", "latin1", "usascii", "ascii", "windows1252", "cp1252"}
_NAMES = {"iso88599": "cp1254", "iso885911": "cp874"} | dict.fromkeys(_OF_WINDOWS, "cp1252")


def codec_of(stated: str) -> str:
    """The codec for an encoding that XML states. Raises SourceRefused."""
    try:
        return codecs.lookup(_NAMES.get("".join(filter(str.isalnum, stated.lower())), stated)).name
    except LookupError:
        raise SourceRefused(f"The encoding {stated!r} is not understood; send UTF-8.") from None


class Characters:
    """Makes UTF-8 of a file's bytes, chunk by chunk."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        # Five bytes mean nothing in Windows-1252; of Unicode nothing is guessed at.
        errors = "strict" if encoding.startswith("utf") else "replace"
        self._decoder = codecs.getincrementaldecoder(encoding)(errors)
        self._waiting = ""
        self._lines = 1
        self._has_begun = False
        self.has_marks = False
        """Whether control characters were taken out so far."""

    def utf8(self, chunk: bytes) -> tuple[bytes, SourceRefused | None]:
        """What to parse next, and why the file cannot be read further; an empty chunk is the last one."""
        refusal = None
        try:
            text = self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as fault:
            text = chunk[: fault.start].decode(self._encoding, "ignore")
            line = self._lines + text.count("\n")
            refusal = SourceRefused(
                f"The XML is broken at line {line}: its bytes are not {self._encoding.upper()}; "
                "declare the encoding that it was saved in.",
                line=line,
            )
        self._lines += text.count("\n")
        # Files that were put one behind the other keep their marks.
        text = self._waiting + text.replace(_BYTE_ORDER_MARK, "")
        self._waiting = ""
        if not self._has_begun:
            text = text.lstrip(_SPACE)
            self._has_begun = bool(text)
        at = text.rfind("&", max(0, len(text) - _LONGEST_REFERENCE))
        if chunk and at >= 0 and ";" not in text[at:]:
            self._waiting, text = text[at:], text[:at]
        return self._cleaned(text).encode("utf-8", "replace"), refusal

    def _cleaned(self, text: str) -> str:
        if "&" in text:
            text = _REFERENCES.sub(self._referred, text)
        return _CONTROLS.sub(self._shown, text) if _CONTROLS.search(text) else text

    def _referred(self, match: re.Match[str]) -> str:
        if name := match[3]:
            shown = html.unescape(match[0]).replace("\u00a0", " ")
            return match[0] if name in _OF_XML or len(shown) > _MOST_OF_A_NAME else html.escape(shown)
        code = int(match[1]) if match[1] else int(match[2], 16)
        control = chr(code)
        return self._show(control) if _CONTROLS.fullmatch(control) else match[0]

    def _shown(self, match: re.Match[str]) -> str:
        return self._show(match[0])

    def _show(self, control: str) -> str:
        # Of HTML a reference to a control from U+0080 on is one to a character of Windows-1252.
        shown = html.unescape(f"&#{ord(control)};")
        if len(shown) == 1 and not _CONTROLS.fullmatch(shown) and shown != "\ufffd":
            return shown
        self.has_marks = True
        return _MARK


def drop_marks(product: _Element) -> RowProblem | None:
    """Take the marks of control characters out of a product; the warning that tells where there were any."""
    found: dict[str, None] = {}
    for element in product.iter("*"):
        if element.text and _MARK in element.text:
            element.text = element.text.replace(_MARK, "")
            found[reference_name(str(element.tag))] = None
        if element.tail and _MARK in element.tail:
            element.tail = element.tail.replace(_MARK, "")
            found[reference_name(str(element.tag))] = None
    if not found:
        return None
    names = list(found)
    return RowProblem(
        names[0], f"control characters were dropped from {', '.join(names)}", "control-characters"
    )
