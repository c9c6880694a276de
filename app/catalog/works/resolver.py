"""Finds or creates the works that editions belong to, for one book or for thousands."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.works.repository import FoundWork, SingleEditionWork, TitlePage, WorkRepository


class EditionChange(NamedTuple):
    """The title page of a book before and after an edit."""

    book_id: int
    old: TitlePage
    new: TitlePage

    def title_page_of(self, work: SingleEditionWork) -> TitlePage:
        """What a work of this one edition becomes; a title that staff gave it stays."""
        return TitlePage(
            title=self.new.title if work.title == self.old.title else work.title,
            author_id=self.new.author_id if self.new.author_id != self.old.author_id else work.author_id,
        )


class WorkResolver:
    """Turns titles and principal authors into works of one transaction."""

    def __init__(self, works: WorkRepository, *, locks_titles: bool) -> None:
        self._works = works
        self._locks_titles = locks_titles

    @classmethod
    def build(cls, session: AsyncSession, *, locks_titles: bool = True) -> Self:
        """Compose it on one session; an import, which locks all titles at once or none, locks no single ones."""
        return cls(WorkRepository(session), locks_titles=locks_titles)

    async def resolve(self, pages: Sequence[TitlePage]) -> list[int]:
        """Find the work of each title by its principal author, creating it if there is none; ids in order.

        Where such a work was merged into another one, it is that one. Case and accents do not count.
        Without an author nothing tells two works of one title apart, so each book gets its own.
        """
        found = await self._find_or_lock(pages)
        standing = _standing(found)
        # What makes two of these pages one work: folded title and author, else nothing but the place.
        identities = [_identity(page, found) or place for place, page in enumerate(pages)]
        new: dict[tuple[str, int] | int, TitlePage] = {}
        for identity, page in zip(identities, pages, strict=True):
            if identity not in standing:
                new.setdefault(identity, page)
        if new:
            standing |= zip(new, await self._works.create(list(new.values())), strict=True)
        return [standing[identity] for identity in identities]

    async def lock_canonical(self, work_id: int, leaving: int | None = None) -> int:
        """Lock the work that stands for this one after merges against merges and deletion; its id.

        With it the one that an edition is leaving: it may go with its last edition.
        """
        if leaving is not None:
            await self._works.lock_all([leaving, *await self._works.list_canonical([work_id])])
        # What does not exist is refused by the foreign key.
        return dict(await self._works.lock_canonical([work_id])).get(work_id, work_id)

    async def follow(self, changes: Iterable[EditionChange]) -> None:
        """Let works follow their only edition when its title or principal author changes.

        Such a work becomes one with the work of that title and author if there is one, else it takes
        them over; a title that staff gave the work stays. Other editions hold a work to what it is.
        """
        changed = {change.book_id: change for change in changes if change.old != change.new}
        if not changed or not await self._lock_what_follows(changed):
            return
        # As they are now that they are locked.
        following = await self._list_following(changed)
        found = await self._find_or_lock([page for _, page in following])
        leaving = {
            work.id for work, page in following if (work.key, work.author_id) != _identity(page, found)
        }
        standing = {identity: id_ for identity, id_ in _standing(found).items() if id_ not in leaving}
        renamed: list[tuple[int, TitlePage]] = []
        moved: list[tuple[int, int]] = []
        for work, page in following:
            identity = _identity(page, found)
            # The next edition with the same title page joins this one.
            other = work.id if identity is None else standing.setdefault(identity, work.id)
            if other == work.id:
                renamed.append((work.id, page))
            else:
                moved.append((work.book_id, other))
        await self._works.rename(renamed)
        await self._works.move_editions(moved)

    async def _lock_what_follows(self, changed: Mapping[int, EditionChange]) -> bool:
        """Lock the works and those that they may become one with, none before the others; False if all stay."""
        following = await self._list_following(changed)
        if not following:
            return False
        if self._locks_titles:
            # As a batch of an import does: names before works.
            await self._works.wait_for_import()
        found = await self._works.list_by_title_page(
            [page for _, page in following if page.author_id is not None]
        )
        others = await self._works.list_canonical([one.id for one in found if one.id is not None])
        await self._works.lock_all([*others, *(work.id for work, _ in following)])
        return True

    async def _list_following(
        self, changed: Mapping[int, EditionChange]
    ) -> list[tuple[SingleEditionWork, TitlePage]]:
        works = await self._works.list_of_one_edition(list(changed))
        pages = [(work, changed[work.book_id].title_page_of(work)) for work in works]
        return [(work, page) for work, page in pages if page != TitlePage(work.title, work.author_id)]

    async def _find_or_lock(self, pages: Iterable[TitlePage]) -> dict[TitlePage, FoundWork]:
        """The work of each page that has an author, locked; where there is none, its title is locked instead."""
        found = await self._find({page for page in pages if page.author_id is not None})
        missing = [page for page, work in found.items() if work.id is None]
        if missing and self._locks_titles:
            # Requests that name the same new work at once create one: the later waits here for the earlier.
            await self._works.lock_titles(found[page].key for page in missing)
            found |= await self._find(missing)
        return found

    async def _find(self, pages: Collection[TitlePage]) -> dict[TitlePage, FoundWork]:
        rows = await self._works.list_by_title_page(pages) if pages else []
        ids = {row.id for row in rows if row.id is not None}
        standing = dict(await self._works.lock_canonical(ids)) if ids else {}
        return {
            TitlePage(row.title, row.author_id): row._replace(id=standing.get(row.id) if row.id else None)
            for row in rows
        }


def _identity(page: TitlePage, found: Mapping[TitlePage, FoundWork]) -> tuple[str, int] | None:
    return None if page.author_id is None else (found[page].key, page.author_id)


def _standing(found: Mapping[TitlePage, FoundWork]) -> dict[tuple[str, int] | int, int]:
    return {(work.key, work.author_id): work.id for work in found.values() if work.id is not None}
