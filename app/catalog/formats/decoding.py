"""The text of an uploaded file: its encoding by its first bytes or as declared, checked before a row is read."""

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

from app.catalog.formats.errors import SourceRefused

LONGEST_LINE = 4_000_000
"""Characters; what a longer line has beyond is dropped, and its row refused."""

CHUNK = 64 * 1024
"""Bytes of a file that are read at once. Much larger pieces leave the allocator with a multiple of them."""
_MARK = "\ufeff"
_ENCODINGS = {
    "utf8": "utf-8",
    "utf8sig": "utf-8",
    "utf16": "utf-16",
    "utf16le": "utf-16-le",
    "utf16be": "utf-16-be",
    "cp1252": "cp1252",
    "windows1252": "cp1252",
    "latin1": "cp1252",
    "iso88591": "cp1252",
    "iso885915": "iso-8859-15",
}
"""Name → codec; what is called Latin-1 is Windows-1252, as browsers take it."""
_ZEROS = ([True, False, True, False], [False, True, False, True])
_AS_BROWSERS = "as-browsers"


def _as_control(fault: UnicodeError) -> tuple[str, int]:
    """Read the five bytes that Windows-1252 does not know as the controls that browsers take them for."""
    if isinstance(fault, UnicodeDecodeError) and fault.encoding == "charmap":
        return fault.object[fault.start : fault.end].decode("latin-1"), fault.end
    raise fault


codecs.register_error(_AS_BROWSERS, _as_control)

CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters but for line breaks and tabs; no text has them, and PostgreSQL does not take all."""


def _of_windows() -> dict[int, str]:
    shown = {}
    for code in range(0x80, 0xA0):
        with suppress(UnicodeDecodeError):
            shown[code] = bytes([code]).decode("cp1252")
    return shown


MISREAD = _of_windows()
"""Windows-1252 that was read as Latin-1: what the controls from U+0080 on were, as browsers take them."""
_OFFERED = ", ".join(dict.fromkeys(_ENCODINGS.values()))


class TextFile:
    """A file as lines of text with their ends, in constant memory; knows how far it has been read."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._bytes = path.open("rb")
        self._text = io.TextIOWrapper(self._bytes, encoding, _AS_BROWSERS, newline="")
        self._size = path.stat().st_size
        self.is_cut = False
        """Whether a line lost its end since this was last set to False."""

    @classmethod
    def open(cls, path: Path, declared: str | None) -> Self:
        """Open the file in the encoding of its byte order mark, else as declared, else UTF-8. Raises SourceRefused."""
        with path.open("rb") as file:
            marked = encoding_of_mark(file.read(4))
        named = check_encoding(declared) if declared else None
        encoding = true_encoding(path, marked or named or "utf-8")
        _check(path, encoding, is_declared=declared is not None)
        return cls(path, encoding)

    def lines(self) -> Iterator[str]:
        """Lines with their ends: LF, CR or CRLF."""
        readline = self._text.readline
        while line := readline(LONGEST_LINE):
            if line[0] == _MARK:
                # Files that were put one behind the other keep theirs.
                line = line.lstrip(_MARK)
            if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
                self.is_cut = True
                while (rest := readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                    pass
            yield line

    def head(self, characters: int) -> str:
        """The beginning; the reading starts anew afterwards."""
        text = self._text.read(characters)
        self._text.seek(0)
        return text

    def position(self) -> int:
        """Bytes read so far; all of them once it is closed."""
        return self._size if self._bytes.closed else self._bytes.tell()

    def close(self) -> None:
        """Close the file."""
        self._text.close()


def encoding_of_mark(head: bytes) -> str | None:
    """The encoding that a byte order mark stands for, or zeros beside the first letters. Raises SourceRefused for UTF-32."""
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise SourceRefused("The file is UTF-32; save it as UTF-8.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if [bool(byte) for byte in head[:4]] in _ZEROS:
        return "utf-16-le" if head[0] else "utf-16-be"
    return None


def true_encoding(path: Path, stated: str) -> str:
    """The stated encoding, or UTF-8 where that is one of single bytes and the file proves to be UTF-8.

    Text of another encoding is UTF-8 by chance only where it is ASCII.
    """
    if stated.startswith("utf") or not _is_utf8(path):
        return stated
    return "utf-8"


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_ascii = True
    with path.open("rb") as file, suppress(UnicodeDecodeError):
        while chunk := file.read(CHUNK):
            is_ascii = is_ascii and chunk.isascii()
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
        return not is_ascii
    return False


def check_encoding(declared: str) -> str:
    """The encoding of this name. Raises SourceRefused."""
    encoding = _ENCODINGS.get("".join(filter(str.isalnum, declared.lower())))
    if encoding is None:
        raise SourceRefused(f"The encoding {declared!r} is not understood; declare one of: {_OFFERED}.")
    return encoding


def _check(path: Path, encoding: str, *, is_declared: bool) -> None:
    decoder = codecs.getincrementaldecoder(encoding)(_AS_BROWSERS)
    offset = 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(CHUNK)
            waiting = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as fault:
                raise _undecodable(
                    encoding, offset - waiting + fault.start, is_declared=is_declared
                ) from None
            except UnicodeError:
                raise SourceRefused(
                    "The file does not begin with the byte order mark of UTF-16; "
                    "declare utf-16-le or utf-16-be, or the encoding that it was saved in."
                ) from None
            offset += len(chunk)
            if not chunk:
                return


def _undecodable(encoding: str, position: int, *, is_declared: bool) -> SourceRefused:
    way_out = (
        "Declare the encoding that it was saved in"
        if is_declared
        else "Save it as UTF-8, or declare the encoding, such as encoding=cp1252 for files of Excel on Windows"
    )
    return SourceRefused(
        f"The byte at position {position} is not {encoding.removesuffix('-sig').upper()}. {way_out}.",
        position=position,
    )
