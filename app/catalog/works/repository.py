"""SQL of works."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import asyncpg
from sqlalchemy import BigInteger, any_, cast, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.canonical import list_canonical, lock_canonical
from app.catalog.models import Work
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


class WorkRepository:
    """Writes and locks works, one by one or by the thousand."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, work_id: int) -> Work | None:
        """Lock the work against other writers, and against new editions, until the transaction ends."""
        return await self._session.get(Work, work_id, with_for_update=True, populate_existing=True)

    async def list_canonical(self, ids: Iterable[int]) -> list[int]:
        """The works that stand for these after merges."""
        return [id_ for _, id_ in await list_canonical(self._session, Work, ids)]

    async def lock_canonical(self, ids: Iterable[int]) -> list[tuple[int, int]]:
        """Lock each work, or the one that stands for it after merges, against merges and deletion."""
        return await lock_canonical(self._session, Work, ids)

    async def lock_all(self, ids: Iterable[int]) -> None:
        """Lock the works as `lock` does, in the order of their ids, as merges lock them."""
        locked = (
            select(Work.id)
            .where(Work.id == any_(cast(list(ids), ARRAY(BigInteger))))
            .order_by(Work.id)
            .with_for_update()
        )
        await self._session.execute(locked)

    async def set_title_page(self, work: Work, title: str, author_id: int | None) -> None:
        """Give a locked work its title and principal author."""
        work.title, work.author_id = title, author_id
        await self._session.flush()

    async def list_by_title_page(self, pages: Collection[TitlePage]) -> list[FoundWork]:
        """Find the work of each title and author; case and accents do not count."""
        titles, authors = [page.title for page in pages], [page.author_id for page in pages]
        return [FoundWork(*row) for row in await self._fetch(_BY_TITLE_PAGE, titles, authors)]

    async def list_of_one_edition(self, book_ids: Sequence[int]) -> list[SingleEditionWork]:
        """The works of which these books are the only editions, and into which nothing was merged."""
        return [SingleEditionWork(*row) for row in await self._fetch(_OF_ONE_EDITION, book_ids)]

    async def create(self, pages: Sequence[TitlePage]) -> list[int]:
        """Insert works; their ids in order."""
        titles, authors = [page.title for page in pages], [page.author_id for page in pages]
        return [row[0] for row in await self._fetch(_CREATE, titles, authors)]

    async def rename(self, works: Sequence[tuple[int, TitlePage]]) -> None:
        """Give locked works their titles and principal authors."""
        if works:
            ids, pages = zip(*works, strict=True)
            await self._fetch(
                _RENAME, ids, [page.title for page in pages], [page.author_id for page in pages]
            )

    async def move_editions(self, books: Sequence[tuple[int, int]]) -> None:
        """Make each book an edition of the work beside it."""
        if books:
            await self._fetch(_MOVE_EDITIONS, *zip(*books, strict=True))

    async def lock_titles(self, keys: Iterable[str]) -> None:
        """Lock the folded titles, always in the same order, against requests that would create the same works."""
        await self.wait_for_import()
        await self._fetch(ACQUIRE_FOR, sorted(set(keys)), AdvisoryLock.WORK_TITLES)

    async def wait_for_import(self) -> None:
        """Take the lock that requests share, and that an import takes alone instead of thousands of titles."""
        await self._fetch(ACQUIRE_SHARED, AdvisoryLock.NAMING)

    async def _fetch(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        return await (await driver_connection(self._session)).fetch(statement, *arguments)
