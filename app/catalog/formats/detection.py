"""Which format a file has, by its first bytes, and the reader of it."""

import re
from pathlib import Path

from app.catalog.formats.csv import CsvSource
from app.catalog.formats.decoding import check_encoding, encoding_of_mark
from app.catalog.formats.errors import SourceRefused
from app.catalog.formats.ndjson import NdjsonSource
from app.catalog.formats.record import Source, SourceFormat, SourceOptions

HEAD = 4096
"""Bytes that are enough to find the format."""

_SPREADSHEET = "a spreadsheet; save it as CSV UTF-8 and send that"
_SPREADSHEETS = (".xlsx", ".xlsm", ".xls", ".ods", ".numbers")
_MAGIC = {
    b"PK\x03\x04": "a ZIP archive; unpack it and send the file in it",
    b"PK\x05\x06": "an empty ZIP archive",
    b"\x1f\x8b": "compressed with gzip; unpack it first",
    b"\xd0\xcf\x11\xe0": _SPREADSHEET,
    b"%PDF": "a PDF document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"RIFF": "an image or a sound",
}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c"))
_MOST_CONTROLS = 0.05
_FEW_CONTROLS = 8
_MARKUP = re.compile(r"<(\?xml|!--|onixmessage)", re.IGNORECASE)


def detect_format(head: bytes, filename: str, declared: str | None = None) -> SourceFormat:
    """Find the format by the first bytes. Raises SourceRefused, with a way out, when it is none that is read.

    `declared` is the encoding that the sender named, if any.
    """
    head = head[:HEAD]
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            is_spreadsheet = filename.lower().endswith(_SPREADSHEETS)
            raise SourceRefused(f"The file is {_SPREADSHEET if is_spreadsheet else what}.")
    encoding = encoding_of_mark(head) or (check_encoding(declared) if declared else None)
    _refuse_binary(head, encoding)
    text = head.decode(encoding or "latin-1", errors="ignore").lstrip("\ufeff \t\r\n")
    if not text:
        raise SourceRefused("The file is empty.")
    if text.startswith("<"):
        if _MARKUP.match(text):
            return SourceFormat.ONIX
        raise SourceRefused("The file is marked up, but not an ONIX message; send CSV, NDJSON or ONIX 3.0.")
    if text.startswith("{"):
        return SourceFormat.NDJSON
    if text.startswith("["):
        raise SourceRefused("The file is a JSON array; write one object a line instead (NDJSON).")
    return SourceFormat.CSV


def _refuse_binary(head: bytes, encoding: str | None) -> None:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if (encoding or "").startswith("utf-16") or controls <= max(len(head) * _MOST_CONTROLS, _FEW_CONTROLS):
        return
    raise SourceRefused("The file is binary; send CSV, NDJSON or ONIX 3.0.")


def open_source(path: Path, options: SourceOptions) -> Source:
    """Open a reader for CSV or NDJSON. Raises SourceRefused when the file as a whole cannot be read.

    Reads the whole file once to check its encoding, so that nothing is applied of a file that breaks half-way.
    """
    with path.open("rb") as file:
        detect_format(file.read(HEAD), path.name, options.encoding)
    reader = NdjsonSource if options.format == SourceFormat.NDJSON else CsvSource
    return reader(path, options)
