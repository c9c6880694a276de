"""What is checked before the first byte goes to the XML parser: encoding, DTD and root element."""

import re

from app.catalog.formats.decoding import check_encoding, encoding_of_mark
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.onix.characters import codec_of
from app.catalog.formats.onix.tags import ROOTS

HEAD = 64 * 1024
"""The root element must begin within these first bytes."""

_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(-?(le|be))?|(us-)?ascii|iso-?8859-?\d{1,2}|latin-?1|(windows-|cp)125\d", re.IGNORECASE
)
_DECLARATION = 200
"""Bytes of the first line that may state the encoding."""

_DECLARED = re.compile(r"^<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_PROLOG = re.compile(r"(?>\s|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)
_ROOT = re.compile(r"<(?:[\w.-]+:)?([\w.-]+)")
_OLD = "http://www.editeur.org/onix/2.1"

WAY_OUT = "ask the sender for ONIX 3.0"


def check_opening(head: bytes, declared: str | None) -> str:
    """Refuse a file that begins as no ONIX 3.0 message does, and any document type declaration; return its codec.

    A DTD is what entities are declared in: without one there is nothing to expand. Raises SourceRefused.
    """
    encoding = _encoding_of(head, declared)
    text = head.decode(encoding, "replace").replace("\ufeff", "")
    match = _PROLOG.match(text)
    rest = text[match.end() :] if match else text
    if rest[:9].upper() == "<!DOCTYPE":
        old = f" This is ONIX 2.1: {WAY_OUT}." if _OLD in rest[:500] else ""
        raise SourceRefused(
            "The file has a document type declaration (DTD). ONIX 3.0 needs none, and entities are not read: "
            f"remove <!DOCTYPE …> and write characters instead of named entities.{old}"
        )
    root = _ROOT.match(rest)
    if root is None:
        raise SourceRefused("The file is no XML: no root element at its beginning.")
    if root[1] not in ROOTS:
        raise SourceRefused(f"The root element is <{root[1]}>, not <ONIXMessage>: this is no ONIX message.")
    return encoding


def _encoding_of(head: bytes, declared: str | None) -> str:
    """The codec of a file: by its mark or its zeros, else as its sender declared, else as its first line states."""
    if marked := encoding_of_mark(head):
        return marked.removesuffix("-sig")
    if declared is not None:
        return codec_of(check_encoding(declared))
    stated = _DECLARED.search(head.lstrip()[:_DECLARATION].decode("ascii", "replace"))
    if stated and not _ENCODINGS.fullmatch(stated[1]):
        raise SourceRefused(
            f"The encoding {stated[1][:40]!r} is not read; send UTF-8, UTF-16, ISO 8859 or Windows 125x."
        )
    # Whoever states UTF-16 in single bytes has converted the file since.
    is_single = stated is not None and not stated[1].lower().startswith("utf")
    return codec_of(stated[1]) if stated and is_single else "utf-8"
