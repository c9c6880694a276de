"""Books as files: what every writer offers, CSV (RFC 4180) and NDJSON."""

import codecs
import csv
import io
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Protocol

import orjson

from app.catalog.books.fields import BOOK_FIELDS, ExportedBook
from app.catalog.exports.schemas import ExportKind, ExportQuery
from app.catalog.formats.cells import json_value, write_cell
from app.catalog.formats.onix.writer import OnixExport


class ExportFormat(Protocol):
    """One kind of exported file."""

    media_type: str
    extension: str

    def header(self) -> bytes:
        """What stands before the first book."""
        ...

    def product(self, book: ExportedBook) -> bytes:
        """One book."""
        ...

    def footer(self) -> bytes:
        """What stands after the last book; a file without it is not complete."""
        ...


_NAMES = tuple(one.name for one in BOOK_FIELDS)
_values = attrgetter(*_NAMES)
_HEADERS = ("isbn13", *(one.csv_name for one in BOOK_FIELDS), "currency", "shop_item_id")
_KEYS = ("isbn13", *(one.file_name for one in BOOK_FIELDS), "currency", "shop_item_id")
"""Names that the import understands."""


def _shop_item_id(book: ExportedBook) -> int | None:
    """By which an import recognises a book that has no ISBN."""
    return book.id if book.isbn13 is None else None


class CsvExport:
    """One row a book, the first one names the columns; with a byte order mark Excel sees that it is UTF-8."""

    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def __init__(self, *, has_mark: bool = False) -> None:
        self._mark = codecs.BOM_UTF8 if has_mark else b""
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer)

    def header(self) -> bytes:
        """The names of the columns."""
        self._writer.writerow(_HEADERS)
        return self._mark + self._take()

    def product(self, book: ExportedBook) -> bytes:
        """One book."""
        cells = map(write_cell, _NAMES, _values(book))
        self._writer.writerow([book.isbn13, *cells, book.currency, _shop_item_id(book)])
        return self._take()

    def footer(self) -> bytes:
        """Nothing: CSV has no end of its own."""
        return b""

    def _take(self) -> bytes:
        text = self._buffer.getvalue()
        self._buffer.seek(0)
        self._buffer.truncate()
        return text.encode()


class NdjsonExport:
    """One JSON object a line."""

    media_type = "application/x-ndjson"
    extension = "ndjson"

    def header(self) -> bytes:
        """Nothing."""
        return b""

    def product(self, book: ExportedBook) -> bytes:
        """One book."""
        values = map(json_value, _NAMES, _values(book))
        line = dict(zip(_KEYS, (book.isbn13, *values, book.currency, _shop_item_id(book)), strict=True))
        if isinstance(line["contributors"], list):
            line["contributors"] = [{"name": name, "role": role} for name, role in book.contributors]
        return orjson.dumps(line, default=_as_number, option=orjson.OPT_APPEND_NEWLINE)

    def footer(self) -> bytes:
        """Nothing: each line is whole."""
        return b""


def _as_number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def make_format(query: ExportQuery, public_url: str, sent_at: datetime) -> ExportFormat:
    """Choose the writer; ONIX names the sender by the shop's address and says when it was sent."""
    match query.format:
        case ExportKind.CSV:
            return CsvExport(has_mark=query.bom)
        case ExportKind.NDJSON:
            return NdjsonExport()
        case ExportKind.ONIX:
            return OnixExport(public_url, sent_at)
