"""The writer for the format that an export is asked in."""

from datetime import datetime

from app.catalog.exports.contract import ExportFormat
from app.catalog.exports.schemas import ExportKind, ExportQuery
from app.catalog.exports.writers import CsvExport, NdjsonExport
from app.catalog.formats.onix.writer import OnixExport


def make_format(query: ExportQuery, public_url: str, sent_at: datetime) -> ExportFormat:
    """The writer; ONIX names the sender by the shop's address and says when it was sent."""
    match query.format:
        case ExportKind.CSV:
            return CsvExport(has_mark=query.bom)
        case ExportKind.NDJSON:
            return NdjsonExport()
        case ExportKind.ONIX:
            return OnixExport(public_url, sent_at)
