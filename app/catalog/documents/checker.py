"""A process of its own that checks one document: run as a script, never imported by the shop.

The document comes on stdin, its kind as the argument. On stdout goes a line of JSON: the pages of a PDF, or why it
is refused. `core/isolation.py` runs this confined.
"""

import csv
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import IndirectObject

MOST_PAGES = 5_000
MOST_OBJECTS = 100_000
DEEPEST = 100
"""Levels of lists and dictionaries within one another."""
ACTIVE_KEYS = frozenset({"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/RichMediaContent", "/XFA"})
ACTIVE_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/ImportData",
        "/SubmitForm",
        "/GoToE",
        "/GoToR",
        "/Rendition",
        "/Movie",
        "/Sound",
    }
)
"""What an action may not be: to follow a link within the document or to the web is harmless."""
ACTIVE_ANNOTATIONS = frozenset({"/RichMedia", "/Screen", "/3D", "/FileAttachment", "/Movie", "/Sound"})
_NEVER_USED = 65_535
"""The generation of the head of the list of free objects."""
_PLAIN_CONTROLS = frozenset("\t\n\r\f")


class Refused(Exception):
    """Why the document is not taken: `broken` or `unsafe`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def check_pdf(file: BinaryIO) -> int:
    """Read every object of the PDF by its own table; how many pages it has. Raises Refused."""
    content = io.BytesIO(file.read())
    try:
        reader = PdfReader(content, strict=True)
        if reader.is_encrypted:
            raise Refused("unsafe", "The PDF is encrypted.")
        for found in _objects(reader):
            _check_object(found)
        pages = len(reader.pages)
    except Refused:
        raise
    except (
        PyPdfError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OSError,
        ArithmeticError,
    ):
        # pypdf raises each of these over damaged files.
        raise Refused("broken", "The PDF is damaged or incomplete.") from None
    except (MemoryError, RecursionError):
        raise Refused("broken", "The PDF is too deep or too large to be read.") from None
    if not 1 <= pages <= MOST_PAGES:
        raise Refused("broken", f"The PDF must have from 1 to {MOST_PAGES} pages.")
    return pages


def _objects(reader: PdfReader) -> Iterator[Any]:
    numbers = [
        (number, generation)
        for generation, numbers in reader.xref.items()
        for number in numbers
        if generation != _NEVER_USED and number
    ]
    numbers += [(number, 0) for number in reader.xref_objStm]
    if len(numbers) > MOST_OBJECTS:
        raise Refused("broken", f"The PDF has more than {MOST_OBJECTS} objects.")
    yield reader.trailer
    for number, generation in numbers:
        yield reader.get_object(IndirectObject(number, generation, reader))


def _check_object(found: Any, depth: int = 0) -> None:
    """Refuse what acts. What is referred to has its own turn."""
    if depth > DEEPEST:
        raise Refused("broken", "The PDF is too deep to be read.")
    if isinstance(found, dict):
        if not ACTIVE_KEYS.isdisjoint(found):
            raise Refused("unsafe", "The PDF carries a script, a file or a form that runs.")
        if _name(found, "/S") in ACTIVE_ACTIONS or _name(found, "/Subtype") in ACTIVE_ANNOTATIONS:
            raise Refused("unsafe", "The PDF runs or opens something.")
        parts = [dict.__getitem__(found, key) for key in found]
    elif isinstance(found, list):
        parts = [list.__getitem__(found, place) for place in range(len(found))]
    else:
        return
    for part in parts:
        if isinstance(part, dict | list):
            _check_object(part, depth + 1)


def _name(found: dict[Any, Any], key: str) -> str:
    """The name that stands there, though it be an object of its own."""
    value = dict.get(found, key)
    if isinstance(value, IndirectObject):
        value = value.get_object()
    return str(value)


def check_text(file: BinaryIO) -> str:
    """The text, in UTF-8, or in UTF-16 with its byte order mark. Raises Refused."""
    content = file.read()
    try:
        text = content.decode("utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("broken", "The text is neither UTF-8 nor UTF-16.") from None
    if not text.strip():
        raise Refused("broken", "The text is empty.")
    if any(character < " " and character not in _PLAIN_CONTROLS for character in text):
        raise Refused("broken", "The text has control characters.")
    return text


def check_csv(file: BinaryIO) -> None:
    """Read every row, whatever separates the columns. Raises Refused."""
    text = check_text(file)
    head = text.partition("\n")[0]
    delimiter = max(",;\t|", key=head.count)
    try:
        for _ in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            pass
    except csv.Error:
        raise Refused("broken", "The CSV has a quote without end, or a cell that is too long.") from None


def main() -> None:
    """Read the document, write what it is."""
    logging.disable()
    [kind] = sys.argv[1:]
    answer: dict[str, object] = {"pages": None}
    try:
        if kind == "pdf":
            answer = {"pages": check_pdf(sys.stdin.buffer)}
        elif kind == "csv":
            check_csv(sys.stdin.buffer)
        else:
            check_text(sys.stdin.buffer)
    except Refused as refusal:
        answer = {"refused": refusal.reason, "detail": refusal.detail}
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
