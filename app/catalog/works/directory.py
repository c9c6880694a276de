"""Finds the work that an edition belongs to."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.works.repository import WorkRepository


class WorkDirectory:
    """Turns titles and principal authors into works."""

    def __init__(self, works: WorkRepository) -> None:
        self._works = works

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The directory on one session."""
        return cls(WorkRepository(session))

    async def id_for(self, title: str, author_id: int | None) -> int:
        """The work of this title by this principal author, made if there is none.

        Case and accents do not count. Without an author nothing tells two works of one title
        apart, so each book gets its own. Requests that name the same new work at once make one.
        """
        if author_id is None:
            return await self._works.add(title, None)
        found = await self._works.find_id(title, author_id)
        if found is None:
            await self._works.lock_title(title)
            found = await self._works.find_id(title, author_id)
        return found or await self._works.add(title, author_id)
