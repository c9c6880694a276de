"""SQL of the merges themselves."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.merges.chains.repository import Mergeable, find_current
from app.catalog.merges.movers import MergeKind
from app.catalog.merges.schemas import MergeFilter
from app.catalog.models import Author, Item, Merge, Work
from app.core.paging import Found, Window
from app.core.repository import AnyRow, find_page
from app.core.sorting import Order

MODELS: dict[MergeKind, Mergeable] = {MergeKind.AUTHOR: Author, MergeKind.WORK: Work}
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


class MergeRepository:
    """Merges of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, merge: Merge) -> None:
        """Insert the merge."""
        self._session.add(merge)
        await self._session.flush()

    async def lock(self, merge_id: int) -> Merge | None:
        """The merge, held against another undo."""
        return await self._session.get(Merge, merge_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads it."""
        await self._session.flush()

    async def find_current(self, kind: MergeKind, row_id: int) -> int:
        """The id that stands for this one after merges."""
        return await find_current(self._session, MODELS[kind], row_id)

    async def lock_rows(self, kind: MergeKind, *ids: int) -> Sequence[Author | Work]:
        """The authors or works, held in the order of their ids against everything that would name them."""
        model = MODELS[kind]
        held = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
        rows = await self._session.scalars(held.execution_options(populate_existing=True))
        return [row for row in rows if isinstance(row, Author | Work)]

    async def find_standing(self, kind: str, source_id: int) -> int | None:
        """The merge of this source that was not undone."""
        is_it = (Merge.kind == kind, Merge.source_id == source_id, Merge.undone_at.is_(None))
        return await self._session.scalar(select(Merge.id).where(*is_it))


async def lock_items(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """Hold the items, in the order of their ids, against edits and deletion, but not against sales."""
    held = select(Item.id).where(which).order_by(Item.id).with_for_update(key_share=True)
    await session.execute(held)


async def raise_version(session: AsyncSession, row: Author | Work, version: int, **values: object) -> None:
    """Give the held row this version and these values."""
    model = type(row)
    changed = update(model).where(model.id == row.id).values(version=version, **values)
    await session.execute(changed.execution_options(synchronize_session=False))
    await session.refresh(row)


async def list_merges(connection: AsyncConnection, query: MergeFilter, window: Window) -> Found[AnyRow]:
    """One page of merges, newest first."""
    matching = select(Merge.id)
    if query.kind is not None:
        matching = matching.where(Merge.kind == query.kind)
    if query.undone is not None:
        is_undone = Merge.undone_at.is_not(None)
        matching = matching.where(is_undone if query.undone else ~is_undone)
    order = Order.by(["-merged_at"], {"merged_at": Merge.merged_at}, Merge.id)
    return await find_page(connection, matching, order, window, _COLUMNS, _join_merges)


def _join_merges(source: FromClause, merge_id: ColumnElement[int]) -> FromClause:
    return source.outerjoin(Merge, Merge.id == merge_id)
