"""What every reader of an uploaded file offers, and the options that it is opened with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from app.catalog.formats.record import Record


class SourceFormat(StrEnum):
    """The kinds of file that an import understands."""

    CSV = "csv"
    NDJSON = "ndjson"
    ONIX = "onix"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read a file: what was declared by the sender, and the shop's currency."""

    format: SourceFormat
    currency: str
    encoding: str | None = None
    delimiter: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Header of the file → field name, or "" to ignore the column."""


class Source(Protocol):
    """A file opened for reading: records one after the other, in constant memory."""

    columns: list[str]
    """The original columns, in their order, for errors.csv."""

    ignored: list[str]
    """Columns of the file that no field understands."""

    def __iter__(self) -> Iterator[Record]:
        """The records from the first to the last; once."""
        ...

    def position(self) -> int:
        """How many bytes of the file were read so far."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...
