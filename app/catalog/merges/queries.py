"""Reads of merges for display, and of what an author's merge leaves to decide."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.merges.schemas import MergeFilter, MergeOut
from app.catalog.models import Merge, Work
from app.core.db.paging import Pager
from app.core.db.queries import find_page
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult

MOST_LISTED = 100

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Merge.id,
    Merge.kind,
    Merge.source_id,
    Merge.source_name,
    Merge.target_id,
    Merge.target_name,
    Merge.moved,
    Merge.merged_by,
    Merge.merged_at,
    Merge.undone_by,
    Merge.undone_at,
)


async def list_merges(connection: AsyncConnection, query: MergeFilter, pager: Pager) -> ReadResult:
    """One page of merges, newest first. Raises InvalidCursor."""
    matching = select(Merge.id)
    if query.kind is not None:
        matching = matching.where(Merge.kind == query.kind)
    if query.undone is not None:
        is_undone = Merge.undone_at.is_not(None)
        matching = matching.where(is_undone if query.undone else ~is_undone)
    window = pager.window(query)
    order = Order.by(["-merged_at"], {"merged_at": Merge.merged_at}, Merge.id)
    found = await find_page(connection, matching, order, window, _COLUMNS)
    merges = [MergeOut.of(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, merges), found.snapshot)


async def list_works_of_one_title(session: AsyncSession, author_id: int) -> list[list[int]]:
    """The author's works that share their title with another one, title by title, at most a hundred."""
    theirs = (Work.author_id == author_id, Work.merged_into_id.is_(None))
    ids = func.array_agg(Work.id.distinct())
    groups = select(ids).where(*theirs).group_by(Work.title_folded).having(func.count() > 1)
    return [list(row) for row in await session.scalars(groups.order_by(ids).limit(MOST_LISTED))]
