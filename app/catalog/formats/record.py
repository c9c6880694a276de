"""What a reader makes of one row, object or product of a file, and what the import applies."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Action(StrEnum):
    """What a record asks for; rows of CSV and NDJSON put the columns that are there."""

    PUT = "put"
    PATCH = "patch"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One complaint about a row, with the meaning of a problem document's `errors[]`."""

    field: str
    message: str
    type: str


@dataclass(slots=True)
class Record:
    """One row in the terms of the catalogue.

    `values` holds only the fields that the file speaks of: an absent column leaves the field alone,
    an empty cell of a present column empties it (None, or an empty list), except that an empty
    title, price or quantity means "not given". A record with problems fails. `item_id` is this shop's own
    and counts only without an ISBN.
    """

    number: int
    raw: dict[str, str]
    isbn13: str | None = None
    item_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    action: Action = Action.PUT

    @property
    def key(self) -> str | int | None:
        """What tells the book from others: its ISBN, else the item's id."""
        return self.isbn13 or self.item_id
