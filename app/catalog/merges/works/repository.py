"""SQL that moves editions between works."""

from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.merges.repository import any_of, raise_items, raise_version
from app.catalog.models import Book, Work


class WorkMoveRepository:
    """Editions of works, in one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def give(self, source_id: int, target_id: int, only: Sequence[int] | None = None) -> list[int]:
        """Move the editions of the source, or these of them only, to the target; their ids.

        Their versions rise: the work shows in the book.
        """
        theirs = update(Book).where(Book.work_id == source_id)
        if only is not None:
            theirs = theirs.where(Book.item_id == any_of(only))
        options = {"synchronize_session": False}
        given = theirs.values(work_id=target_id).returning(Book.item_id).execution_options(**options)
        moved = sorted(await self._session.scalars(given))
        await raise_items(self._session, moved)
        return moved

    async def set_merged(self, work: Work, target_id: int | None) -> None:
        """Say what the held work was merged into."""
        values = {"merged_into_id": target_id, "updated_at": func.now()}
        await raise_version(self._session, work, work.version + 1, **values)

    async def forget_if_empty(self, work_id: int) -> None:
        """Delete the work unless it has an edition or a part in a merge."""
        merged = aliased(Work)
        kept = [
            select(Book.item_id).where(Book.work_id == work_id).exists(),
            select(merged.id).where(merged.merged_into_id == work_id).exists(),
        ]
        empty = delete(Work).where(Work.id == work_id, Work.merged_into_id.is_(None), ~or_(*kept))
        await self._session.execute(empty.execution_options(synchronize_session=False))
