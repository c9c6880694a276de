"""Finds the work that an edition belongs to."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Work
from app.catalog.works.repository import WorkRepository


@dataclass(frozen=True, slots=True)
class TitlePage:
    """What an edit does to the title and the principal author of an edition."""

    old_title: str
    title: str
    has_new_author: bool = False
    author_id: int | None = None

    def of(self, work: Work) -> tuple[str, int | None]:
        """Title and author that the edit gives a work of this one edition; a title that staff gave it stays."""
        title = self.title if work.title == self.old_title else work.title
        return title, self.author_id if self.has_new_author else work.author_id


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

        Where such a work was merged into another one, it is that one. Case and accents do not count.
        Without an author nothing tells two works of one title apart, so each book gets its own.
        Requests that name the same new work at once make one.
        """
        if author_id is None:
            return await self._works.add(title, None)
        return await self._find(title, author_id) or await self._works.add(title, author_id)

    async def current(self, work_id: int, leaving: int | None = None) -> int:
        """The work that stands for this one after merges, held against merges and deletion until the commit.

        With it the one that an edition is leaving: it may go with its last edition.
        """
        if leaving is not None:
            await self._works.lock_all([leaving, await self._works.find_current(work_id)])
        held = await self._works.lock_current(work_id)
        # What does not exist is refused by the foreign key.
        return work_id if held is None else held

    async def follow(self, work_id: int, edition: TitlePage) -> int:
        """The work of an edition whose title or principal author may have changed.

        A work of one edition follows it: it becomes one with the work of that title and author
        if there is one, else it takes them over; a title that staff gave the work stays. Other
        editions hold a work to what it is.
        """
        if edition.title == edition.old_title and not edition.has_new_author:
            return work_id
        if not await self._hold_what_follows(work_id, edition):
            return work_id
        work = await self._works.lock_of_one_edition(work_id)
        if work is None:
            return work_id
        title, author_id = edition.of(work)
        if (title, author_id) == (work.title, work.author_id):
            return work_id
        joined = None if author_id is None else await self._find(title, author_id)
        if joined is None or joined == work_id:
            await self._works.set_title_page(work, title, author_id)
        return joined or work_id

    async def _hold_what_follows(self, work_id: int, edition: TitlePage) -> bool:
        """Hold the work and the one that it may become one with, neither before the other; False if it stays."""
        work = await self._works.find_of_one_edition(work_id)
        if work is None:
            return False
        title, author_id = edition.of(work)
        if (title, author_id) == (work.title, work.author_id):
            return False
        # As a batch of an import does: names before works.
        await self._works.wait_for_import()
        other = None if author_id is None else await self._works.find_id(title, author_id)
        joined = work_id if other is None else await self._works.find_current(other)
        await self._works.lock_all([work_id, joined])
        return True

    async def _find(self, title: str, author_id: int) -> int | None:
        """The work, held; when there is none, its title is held instead."""
        found = await self._works.find_id(title, author_id)
        held = found and await self._works.lock_current(found)
        if not held:
            await self._works.lock_title(title)
            found = await self._works.find_id(title, author_id)
            held = found and await self._works.lock_current(found)
        return held or None
