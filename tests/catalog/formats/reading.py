"""Reads files of tests through the source that an import would open."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.catalog.formats.detection import open_source
from app.catalog.formats.record import Record, Source, SourceFormat, SourceOptions

Reader = Callable[..., list[Record]]


def source_of(path: Path, content: bytes | str, **options: Any) -> Source:
    """The content, written to the path and opened; text is UTF-8."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return open_source(path, SourceOptions(**{"format": SourceFormat.CSV, "currency": "EUR", **options}))


def records_of(path: Path, content: bytes | str, **options: Any) -> list[Record]:
    """Every record of the content."""
    source = source_of(path, content, **options)
    try:
        return list(source)
    finally:
        source.close()


def complaints(record: Record) -> list[tuple[str, str]]:
    """The problems as (field, type)."""
    return [(problem.field, problem.type) for problem in record.problems]


def warned(record: Record) -> list[tuple[str, str]]:
    """The warnings as (field, type)."""
    return [(warning.field, warning.type) for warning in record.warnings]


def quoted(cell: str) -> str:
    """The cell as CSV writes it in quotes."""
    return '"' + cell.replace('"', '""') + '"'
