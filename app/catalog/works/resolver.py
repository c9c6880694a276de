"""Finds or creates the works that editions belong to, for one book or for thousands."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, Self

import asyncpg
from sqlalchemy import BigInteger, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.canonical import list_canonical, lock_canonical
from app.catalog.models import ContributorRole, Work
from app.core.db.driver import driver_connection
from app.core.db.locks import ACQUIRE_FOR, ACQUIRE_SHARED, AdvisoryLock

_BY_TITLE_PAGE = """
    WITH wanted AS MATERIALIZED (
        SELECT title, author_id, fold(title) AS key FROM unnest($1::text[], $2::bigint[]) AS wanted (title, author_id)
    )
    SELECT wanted.title, wanted.author_id, key, found.id FROM wanted LEFT JOIN LATERAL (
        SELECT works.id FROM works WHERE title_folded = key AND works.author_id = wanted.author_id
        ORDER BY merged_into_id IS NOT NULL, works.id LIMIT 1
    ) AS found ON true
"""
_OF_ONE_EDITION = """
    SELECT item_id, works.id, title, title_folded, author_id FROM books JOIN works ON works.id = work_id
    WHERE item_id = ANY ($1::bigint[])
    AND (SELECT count(*) FROM books AS edition WHERE edition.work_id = works.id) = 1
    AND NOT EXISTS (SELECT FROM works AS merged WHERE merged.merged_into_id = works.id)
    ORDER BY works.id
"""
# The ids are taken first, so that it is known which is whose. OFFSET 0: the sequence is looked up once.
_CREATE = """
    WITH new AS MATERIALIZED (
        SELECT nextval(sequence) AS id, title, author_id, place
        FROM (SELECT pg_get_serial_sequence('works', 'id')::regclass AS sequence OFFSET 0) AS found,
        unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS new (title, author_id, place)
    ), created AS (
        INSERT INTO works (id, title, author_id) OVERRIDING SYSTEM VALUE SELECT id, title, author_id FROM new
    )
    SELECT id FROM new ORDER BY place
"""
_RENAME = """
    UPDATE works SET title = new.title, author_id = new.author_id, version = version + 1, updated_at = now()
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS new (id, title, author_id) WHERE works.id = new.id
"""
_MOVE_EDITIONS = """
    UPDATE books SET work_id = new.work_id
    FROM unnest($1::bigint[], $2::bigint[]) AS new (book_id, work_id) WHERE item_id = new.book_id
"""


class TitlePage(NamedTuple):
    """By what a work is told from others: title and principal author."""

    title: str
    author_id: int | None

    @classmethod
    def of(cls, title: str, contributors: Iterable[tuple[int, str]]) -> Self:
        """Take the first contributor (author id, role) that is an author for the principal one."""
        authors = (author_id for author_id, role in contributors if role == ContributorRole.AUTHOR)
        return cls(title, next(authors, None))


class FoundWork(NamedTuple):
    """A title page, its folded title as `key`, and the oldest such work, if need be a merged one."""

    title: str
    author_id: int
    key: str
    id: int | None


class SingleEditionWork(NamedTuple):
    """A work with its only edition; `key` is the folded title."""

    book_id: int
    id: int
    title: str
    key: str
    author_id: int | None


class EditionChange(NamedTuple):
    """The title page of a book before and after an edit."""

    book_id: int
    old: TitlePage
    new: TitlePage

    def title_page_of(self, work: SingleEditionWork) -> TitlePage:
        """Tell what a work of this one edition becomes; a title that staff gave it stays."""
        return TitlePage(
            title=self.new.title if work.title == self.old.title else work.title,
            author_id=self.new.author_id if self.new.author_id != self.old.author_id else work.author_id,
        )


class WorkResolver:
    """Finds, creates and moves works as titles and principal authors of editions say.

    An import, which locks all titles at once or none, locks no single ones.
    """

    def __init__(self, session: AsyncSession, *, locks_titles: bool = True) -> None:
        self._session = session
        self._locks_titles = locks_titles

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
            rows = await self._fetch(_CREATE, *_columns(new.values()))
            standing |= zip(new, [row[0] for row in rows], strict=True)
        return [standing[identity] for identity in identities]

    async def lock_canonical(self, work_id: int, leaving: int | None = None) -> int:
        """Lock the work that stands for this one after merges against merges and deletion; its id.

        With it the one that an edition is leaving: it may go with its last edition.
        """
        if leaving is not None:
            await self._lock_all([leaving, *await self._list_canonical([work_id])])
        # What does not exist is refused by the foreign key.
        return dict(await lock_canonical(self._session, Work, [work_id])).get(work_id, work_id)

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
        if renamed:
            ids, pages = zip(*renamed, strict=True)
            await self._fetch(_RENAME, ids, *_columns(pages))
        if moved:
            await self._fetch(_MOVE_EDITIONS, *zip(*moved, strict=True))

    async def _lock_what_follows(self, changed: Mapping[int, EditionChange]) -> bool:
        """Lock the works and those that they may become one with, none before the others; False if all stay."""
        following = await self._list_following(changed)
        if not following:
            return False
        if self._locks_titles:
            # As a batch of an import does: names before works.
            await self._fetch(ACQUIRE_SHARED, AdvisoryLock.NAMING)
        found = await self._list_by_title_page([page for _, page in following if page.author_id is not None])
        others = await self._list_canonical([one.id for one in found if one.id is not None])
        await self._lock_all([*others, *(work.id for work, _ in following)])
        return True

    async def _list_following(
        self, changed: Mapping[int, EditionChange]
    ) -> list[tuple[SingleEditionWork, TitlePage]]:
        works = [SingleEditionWork(*row) for row in await self._fetch(_OF_ONE_EDITION, list(changed))]
        pages = [(work, changed[work.book_id].title_page_of(work)) for work in works]
        return [(work, page) for work, page in pages if page != TitlePage(work.title, work.author_id)]

    async def _find_or_lock(self, pages: Iterable[TitlePage]) -> dict[TitlePage, FoundWork]:
        """Find and lock the work of each page that has an author; where there is none, its title is locked instead."""
        found = await self._find({page for page in pages if page.author_id is not None})
        missing = [page for page, work in found.items() if work.id is None]
        if missing and self._locks_titles:
            # Requests that name the same new work at once create one: the later waits here for the earlier.
            # They lock in the same order. The first lock is shared with other requests, not with an import.
            await self._fetch(ACQUIRE_SHARED, AdvisoryLock.NAMING)
            keys = sorted({found[page].key for page in missing})
            await self._fetch(ACQUIRE_FOR, keys, AdvisoryLock.WORK_TITLES)
            found |= await self._find(missing)
        return found

    async def _find(self, pages: Collection[TitlePage]) -> dict[TitlePage, FoundWork]:
        rows = await self._list_by_title_page(pages) if pages else []
        ids = {row.id for row in rows if row.id is not None}
        standing = dict(await lock_canonical(self._session, Work, ids)) if ids else {}
        return {
            TitlePage(row.title, row.author_id): row._replace(id=standing.get(row.id) if row.id else None)
            for row in rows
        }

    async def _list_by_title_page(self, pages: Collection[TitlePage]) -> list[FoundWork]:
        return [FoundWork(*row) for row in await self._fetch(_BY_TITLE_PAGE, *_columns(pages))]

    async def _list_canonical(self, ids: Iterable[int]) -> list[int]:
        return [id_ for _, id_ in await list_canonical(self._session, Work, ids)]

    async def _lock_all(self, ids: Iterable[int]) -> None:
        """Lock the works against other writers, and against new editions, in the order of their ids, as merges do."""
        locked = (
            select(Work.id)
            .where(Work.id == any_(cast(list(ids), ARRAY(BigInteger))))
            .order_by(Work.id)
            .with_for_update()
        )
        await self._session.execute(locked)

    async def _fetch(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await (await driver_connection(self._session)).fetch(statement, *arguments)


def _columns(pages: Iterable[TitlePage]) -> tuple[list[str], list[int | None]]:
    return [page.title for page in pages], [page.author_id for page in pages]


def _identity(page: TitlePage, found: Mapping[TitlePage, FoundWork]) -> tuple[str, int] | None:
    return None if page.author_id is None else (found[page].key, page.author_id)


def _standing(found: Mapping[TitlePage, FoundWork]) -> dict[tuple[str, int] | int, int]:
    return {(work.key, work.author_id): work.id for work in found.values() if work.id is not None}
