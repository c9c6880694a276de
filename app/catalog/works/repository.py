"""SQL of works."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Work

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
        """The oldest work of this title by this author; case and accents do not count."""
        return await self._session.scalar(
            select(func.min(Work.id)).where(
                Work.title_folded == func.fold(title),
                Work.author_id == author_id,
                Work.merged_into_id.is_(None),
            )
        )

    async def lock_title(self, title: str) -> None:
        """Hold the folded title against requests that would make the same work."""
        key = func.hashtextextended(func.fold(title), TITLES_LOCK)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))
