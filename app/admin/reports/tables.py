"""What every report is: a table, and charts of it, as fine as its period is short. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from app.admin.stats.periods import Interval, Period

Cell = str | int | float | Decimal | date | datetime | None


class Kind(StrEnum):
    """How a column is written."""

    TEXT = "text"
    COUNT = "count"
    MONEY = "money"
    SHARE = "share"
    MOMENT = "moment"


class Column(NamedTuple):
    """A column: its name in files, and its kind."""

    name: str
    kind: Kind

    @property
    def heading(self) -> str:
        """Its name for people."""
        words = self.name.replace("_", " ")
        return {"isbn": "ISBN", "sku": "SKU", "item id": "Item"}.get(words, words.capitalize())


class Bar(NamedTuple):
    """One bar of a chart."""

    label: str
    value: float
    shown: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars beside one another: in time, or the longest first."""

    title: str
    bars: Sequence[Bar]
    is_over_time: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a report; `is_cut`: there were more than it may have."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    charts: Sequence[Chart] = field(default=())
    is_cut: bool = False


def interval_of(period: Period) -> Interval:
    """By how much a report of sales goes on: as finely as a page can show."""
    length = period.until - period.since
    if length <= timedelta(days=2):
        return Interval.HOUR
    if length <= timedelta(days=93):
        return Interval.DAY
    return Interval.WEEK if length <= timedelta(days=800) else Interval.MONTH
