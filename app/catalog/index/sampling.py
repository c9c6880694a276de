"""SQL that counts matching books: exactly up to 10,000, of more from the smallest sample hashes.

A filter that lets many books through finds enough in a frame, the books with the smallest hashes;
one that lets few through finds all there are. Which it is shows in the frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Integer,
    Select,
    SQLColumnExpression,
    case,
    cast,
    func,
    literal,
    not_,
    null,
    select,
    union_all,
)

from app.catalog.models import BookDocument
from app.core.db.paging import COUNTED_EXACTLY
from app.core.db.queries import SAMPLE_RANGE, fixed

FRAME = 50_000
"""About so many books are looked at before a filter counts as one that lets few through."""
COSTLY_FRAME = 10_000
"""The same for filters on what the index of samples does not hold, such as words."""
_SURELY_MORE = COUNTED_EXACTLY * 13 // 10
"""Of fewer, the exact count is asked for: what a frame shows is right by a tenth or two."""


@dataclass(frozen=True, slots=True)
class Matching:
    """The matching books, or the sample of them. `last_sample` is where a sample ends, NULL without."""

    rows: CTE
    last_sample: ColumnElement[Any]

    def counted(self) -> CTE:
        """One row: `total` rows up to `last_sample`."""
        return select(func.count().label("total"), self.last_sample).select_from(self.rows).cte("counted")


def frame_end(books: float, frame: int) -> int | None:
    """The sample hash at which a frame of a catalogue of so many books ends; None: it has no more."""
    return round(SAMPLE_RANGE * frame / books) if books > frame else None


def matching_books(
    name: str,
    columns: Sequence[SQLColumnExpression[Any]],
    conditions: Sequence[ColumnElement[bool]],
    end: int | None,
) -> Matching:
    """These columns of the books that match; `sample` among them. `end` is the frame's."""
    everything = _first(columns, conditions)
    if end is None or not conditions:
        rows = everything.cte(name)
        return Matching(rows, _last_sample(rows, null()))
    framed = _first(columns, [*conditions, BookDocument.sample < fixed(end)]).cte(f"{name}_framed")
    needed = _SURELY_MORE * end // SAMPLE_RANGE
    is_enough: ColumnElement[bool] = select(func.count() >= needed).select_from(framed).scalar_subquery()
    rest = everything.where(not_(is_enough)).subquery(f"{name}_whole")
    rows = union_all(select(framed).where(is_enough), select(rest)).cte(name)
    return Matching(rows, _last_sample(rows, case((is_enough, literal(end - 1)))))


def _first(
    columns: Sequence[SQLColumnExpression[Any]], conditions: Sequence[ColumnElement[bool]]
) -> Select[Any]:
    return (
        select(*columns)
        .select_from(BookDocument)
        .where(*conditions)
        .order_by(BookDocument.sample)
        .limit(COUNTED_EXACTLY + 1)
    )


def _last_sample(rows: CTE, otherwise: ColumnElement[Any]) -> ColumnElement[Any]:
    is_cut = func.count() > COUNTED_EXACTLY
    return cast(case((is_cut, func.max(rows.c.sample)), else_=otherwise), Integer).label("last_sample")
