"""Books as CSV (RFC 4180) and as NDJSON."""

import codecs
import csv
import io

import orjson

from app.catalog.exports.contract import ExportedBook
from app.catalog.exports.rows import CELLS, VALUES


class CsvExport:
    """One row a book, the first one names the columns; with a byte order mark Excel sees that it is UTF-8."""

    media_type = "text/csv; charset=utf-8"
    extension = "csv"

    def __init__(self, *, has_mark: bool = False) -> None:
        self._mark = codecs.BOM_UTF8 if has_mark else b""
        self._buffer = io.StringIO(newline="")
        self._writer = csv.writer(self._buffer)
        self._cells = tuple(CELLS.values())

    def header(self) -> bytes:
        """The names of the columns."""
        self._writer.writerow(CELLS)
        return self._mark + self._taken()

    def product(self, book: ExportedBook) -> bytes:
        """One book."""
        self._writer.writerow([cell(book) for cell in self._cells])
        return self._taken()

    def footer(self) -> bytes:
        """Nothing: CSV has no end of its own."""
        return b""

    def _taken(self) -> bytes:
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
        values = {name: value(book) for name, value in VALUES.items()}
        return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)

    def footer(self) -> bytes:
        """Nothing: each line is whole."""
        return b""
