"""Records, which is what readers make of uploaded files; the files' formats and options; what each reader offers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from app.catalog.isbn import MistypedIsbn


class Action(StrEnum):
    """What a record asks for; rows of CSV and NDJSON put the columns that are there."""

    PUT = "put"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One complaint about a row, as an error or as a warning, with the meaning of a problem document's `errors[]`."""

    field: str
    message: str
    type: str


@dataclass(slots=True)
class Record:
    """One row in the terms of the catalogue.

    `values` has only the fields that the file has columns for: an absent column leaves the field alone,
    an empty cell of a present column empties it (None, or an empty list), except that an empty
    title, price or quantity means "not given". A record with problems fails; one with `warnings` is applied
    without what they tell of, and its row keeps the original columns; `notes` tell what was chosen where it
    offers several. `item_id` is this shop's own and counts only without an ISBN.
    """

    number: int
    raw: dict[str, str]
    isbn13: str | None = None
    item_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    warnings: list[RowProblem] = field(default_factory=list)
    notes: list[RowProblem] = field(default_factory=list)
    action: Action = Action.PUT
    mistyped_isbn: MistypedIsbn | None = None

    @property
    def key(self) -> str | int | None:
        """What identifies the book: its ISBN, else the item's id."""
        return self.isbn13 or self.item_id


class SourceFormat(StrEnum):
    """The kinds of file that an import understands."""

    CSV = "csv"
    NDJSON = "ndjson"
    ONIX = "onix"


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How to read a file: what was declared by the sender, and what the shop is."""

    format: SourceFormat
    currency: str
    encoding: str | None = None
    delimiter: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Header of the file → field name, or "" to ignore the column."""

    country: str = ""
    region: str = ""
    """Where the shop is, as territories of prices name it."""

    own_name: str = ""
    """By which this shop's own ONIX exports are known."""

    takes_stock: bool = False
    """Whether a supplier's stock on hand shall become the shop's."""


class Source(Protocol):
    """A file opened for reading: records one after the other, in constant memory."""

    columns: list[str]
    """The original columns, in their order, for errors.csv."""

    ignored: list[str]
    """Columns of the file that no field understands."""

    may_empty: bool
    """Whether a record can empty a field."""

    def __iter__(self) -> Iterator[Record]:
        """The records from the first to the last; once."""
        ...

    def position(self) -> int:
        """How many bytes of the file were read so far."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...
