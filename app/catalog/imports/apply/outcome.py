"""What became of a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.catalog.formats.onix.repository import UNMAPPED
from app.catalog.formats.record import Record, RowProblem
from app.catalog.models import RowStatus


@dataclass(slots=True)
class Outcome:
    """The result of one row; `version` is the book's afterwards, `before` what it had in the fields that changed."""

    number: int
    status: RowStatus
    isbn13: str | None = None
    item_id: int | None = None
    version: int | None = None
    changes: dict[str, Any] | None = None
    before: dict[str, Any] | None = None
    errors: Sequence[RowProblem] = ()
    raw: dict[str, str] | None = None


def failure(record: Record, *problems: RowProblem) -> Outcome:
    """The row as it came, with what is wrong with it; without the XML that an ONIX record left over."""
    raw = {name: cell for name, cell in record.raw.items() if name != UNMAPPED}
    return Outcome(record.number, RowStatus.FAILED, errors=problems, raw=raw)
