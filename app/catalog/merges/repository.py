"""SQL of the merges themselves."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    SQLColumnExpression,
    any_,
    cast,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.canonical import Mergeable, find_current
from app.catalog.merges.handling import MergeKind
from app.catalog.merges.schemas import MergeFilter
from app.catalog.models import Author, Book, Contributor, Item, Merge, Work
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, find_page
from app.core.db.sorting import Order

_MODELS: dict[MergeKind, Mergeable] = {MergeKind.AUTHOR: Author, MergeKind.WORK: Work}
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
_BUILT_ON = text(
    """
    SELECT max(later.id) FROM merges AS earlier, merges AS later
    WHERE earlier.id = :merge AND later.kind = earlier.kind AND later.undone_at IS NULL
    AND (later.source_id = earlier.target_id OR later.target_id = earlier.target_id AND later.id > earlier.id AND EXISTS (
        SELECT FROM jsonb_array_elements(later.record -> 'dropped') AS gone
        JOIN jsonb_array_elements((earlier.record -> 'moved') || (earlier.record -> 'dropped')) AS touched
            ON touched -> 0 = gone -> 0
    ))
    """
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
        return await find_current(self._session, _MODELS[kind], row_id)

    async def lock_all(self, kind: MergeKind, *ids: int) -> Sequence[Author | Work]:
        """The authors or works, held against everything that would name them; their books are held before them.

        A book may come to them meanwhile, and somebody may edit it already: then everything is let go
        and held anew, for waiting with the authors held would be waiting in a circle.
        """
        books = Item.id.in_(_list_books(kind, ids))
        while True:
            async with self._session.begin_nested() as attempt:
                await _lock_items(self._session, books)
                rows = await self._lock_rows(kind, ids)
                if await self._holds_all(books):
                    return rows
                await attempt.rollback()

    async def _lock_rows(self, kind: MergeKind, ids: Sequence[int]) -> Sequence[Author | Work]:
        model = _MODELS[kind]
        held = select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update()
        rows = await self._session.scalars(held.execution_options(populate_existing=True))
        return [row for row in rows if isinstance(row, Author | Work)]

    async def _holds_all(self, which: ColumnElement[bool]) -> bool:
        free = select(Item.id).where(which).with_for_update(key_share=True, skip_locked=True).subquery()
        counts = select(func.count()).select_from(free).scalar_subquery()
        is_all = select(counts == select(func.count()).where(which).scalar_subquery())
        return bool(await self._session.scalar(is_all))

    async def find_built_on(self, merge: Merge) -> int | None:
        """The newest merge that stands and took this one's outcome for granted.

        It merged the target further, or dropped contributions as repetitions in books of this merge:
        without it, what they repeated would be somebody else's, and nothing would bring them back.
        """
        found: int | None = await self._session.scalar(_BUILT_ON, {"merge": merge.id})
        return found


def _list_books(kind: MergeKind, ids: Sequence[int]) -> Select[int]:
    if kind is MergeKind.WORK:
        return select(Book.item_id).where(Book.work_id.in_(ids))
    return select(Contributor.book_id).where(Contributor.author_id.in_(ids))


def any_of(ids: Iterable[int]) -> ColumnElement[Any]:
    """For `==`: any of these ids, as one parameter, for they may be more than a statement has room for."""
    return any_(cast(sorted(ids), ARRAY(BigInteger)))


async def _lock_items(session: AsyncSession, which: ColumnElement[bool]) -> None:
    """Hold the items, in the order of their ids, against edits and deletion, but not against sales."""
    held = select(Item.id).where(which).order_by(Item.id).with_for_update(key_share=True)
    await session.execute(held)


async def raise_items(session: AsyncSession, ids: Iterable[int]) -> None:
    """Give the held items a new version: what they say of themselves has changed."""
    raised = (
        update(Item).where(Item.id == any_of(ids)).values(version=Item.version + 1, updated_at=func.now())
    )
    await session.execute(raised.execution_options(synchronize_session=False))


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
