"""SQL of works."""

from collections.abc import Iterable

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.bulk import BULK_LOCK
from app.catalog.canonical import find_canonical, lock_canonical
from app.catalog.models import Book, Work

MOST_EDITIONS = 200
"""Of one work in one answer."""

TITLES_LOCK = 0x776F726B73
"""Seed of the advisory locks on titles: keys made with it are of works alone."""


class WorkRepository:
    """Works of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, title: str, author_id: int | None) -> int:
        """Insert a work; its id."""
        work = Work(title=title, author_id=author_id)
        self._session.add(work)
        await self._session.flush()
        return work.id

    async def find_id(self, title: str, author_id: int) -> int | None:
        """The oldest work of this title by this author, if need be a merged one; case and accents do not count."""
        is_theirs = (Work.title_folded == func.fold(title), Work.author_id == author_id)
        standing_first = (Work.merged_into_id.is_not(None), Work.id)
        return await self._session.scalar(
            select(Work.id).where(*is_theirs).order_by(*standing_first).limit(1)
        )

    async def lock(self, work_id: int) -> Work | None:
        """The work, held against other writers, and against new editions, until the transaction ends."""
        return await self._session.get(Work, work_id, with_for_update=True, populate_existing=True)

    async def find_current(self, work_id: int) -> int:
        """The work that a merged one was merged into."""
        return await find_canonical(self._session, Work, work_id)

    async def lock_current(self, work_id: int) -> int | None:
        """The work that stands for this one after merges, held against merges and deletion; None if it is gone."""
        held = await lock_canonical(self._session, Work, [work_id])
        return held[0][1] if held else None

    async def lock_all(self, ids: Iterable[int]) -> None:
        """Hold the works as `lock` does, in the order of their ids, as merges hold them."""
        held = select(Work.id).where(Work.id.in_(set(ids))).order_by(Work.id).with_for_update()
        await self._session.execute(held)

    async def find_of_one_edition(self, work_id: int) -> Work | None:
        """The work, if it has one edition and nothing was merged into it."""
        return await self._session.scalar(_of_one_edition(work_id))

    async def lock_of_one_edition(self, work_id: int) -> Work | None:
        """As `find_of_one_edition`, held."""
        return await self._session.scalar(_of_one_edition(work_id).with_for_update())

    async def set_title_page(self, work: Work, title: str, author_id: int | None) -> None:
        """Give a held work its title and principal author."""
        work.title, work.author_id = title, author_id
        await self._session.flush()

    async def lock_title(self, title: str) -> None:
        """Hold the folded title against requests that would make the same work."""
        await self.wait_for_import()
        key = func.hashtextextended(func.fold(title), TITLES_LOCK)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))

    async def wait_for_import(self) -> None:
        """Hold the lock that requests share, and that an import holds alone instead of thousands of titles."""
        await self._session.execute(select(func.pg_advisory_xact_lock_shared(BULK_LOCK)))


def _of_one_edition(work_id: int) -> Select[Work]:
    editions = select(func.count()).where(Book.work_id == work_id).scalar_subquery()
    merged = aliased(Work)
    has_merged = select(merged.id).where(merged.merged_into_id == work_id).exists()
    statement = select(Work).where(Work.id == work_id, editions == 1, ~has_merged)
    return statement.execution_options(populate_existing=True)
