"""SQL of authors."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import (
    delete,
    exists,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.names import sort_name
from app.catalog.canonical import lock_canonical
from app.catalog.models import Author, Contributor
from app.core.db.driver import driver_connection
from app.core.db.locks import ACQUIRE_FOR, ACQUIRE_SHARED, AdvisoryLock

_STANDS = Author.merged_into_id.is_(None)


# Name by name through the index on the folded name: a join would fold every author there is. The two
# expressions that change nothing keep the planner from walking the primary key or the index on merges.
_NAMESAKES = """
    WITH wanted AS MATERIALIZED (SELECT name, fold(name) AS key FROM unnest($1::text[]) AS name)
    SELECT wanted.name, key, COALESCE(ids, '{}'), printed FROM wanted CROSS JOIN LATERAL (
        SELECT array_agg(id ORDER BY id + 0) AS ids, (array_agg(authors.name ORDER BY id + 0))[1] AS printed
        FROM authors WHERE fold(authors.name) = key AND COALESCE(merged_into_id, 0) = 0
    ) AS called_so
"""
_BY_ALIAS = """
    SELECT DISTINCT ON (key) key, id, authors.name
    FROM authors, unnest(string_to_array(names_folded, chr(10))) AS key
    WHERE aliases <> '{}' AND string_to_array(names_folded, chr(10)) && $1::text[] AND key = ANY ($1::text[])
    AND merged_into_id IS NULL ORDER BY key, id
"""
_CREATE = """
    WITH new AS (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) AS new (key, name, sort_name)),
    created AS (INSERT INTO authors (name, sort_name) SELECT name, sort_name FROM new RETURNING id, name)
    SELECT key, id, name FROM created JOIN new USING (name)
"""


class Namesakes(NamedTuple):
    """A name, how it compares, and the ids of all who are called so, oldest first; `printed` is the first's name."""

    name: str
    key: str
    ids: Sequence[int]
    printed: str | None


class NamedAuthor(NamedTuple):
    """Whom a folded name means, and what the author is called."""

    key: str
    id: int
    name: str


class AuthorRepository:
    """Writes and locks authors, one by one or by the thousand."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *authors: Author) -> None:
        """Insert the authors, so that their ids are known."""
        self._session.add_all(authors)
        await self._session.flush()

    async def lock(self, author_id: int) -> Author | None:
        """The author, locked against other writers, and against new contributions, until the transaction ends."""
        return await self._session.get(Author, author_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads what the database made of it."""
        await self._session.flush()

    async def delete(self, author: Author) -> None:
        """Delete the author."""
        await self._session.execute(delete(Author).where(Author.id == author.id))

    async def is_in_use(self, author_id: int) -> bool:
        """Whether any book names the author, or another author was merged into this one."""
        contributions = exists().where(Contributor.author_id == author_id)
        merged = exists().where(Author.merged_into_id == author_id)
        return bool(await self._session.scalar(select(contributions | merged)))

    async def lock_canonical(self, ids: Iterable[int]) -> list[tuple[int, int]]:
        """Lock each author, or the one that stands for it after merges, against merges, renames and deletion."""
        return await lock_canonical(self._session, Author, ids)

    async def list_namesakes(self, names: Sequence[str]) -> list[Namesakes]:
        """Find who is called by each name, whatever its case and accents."""
        connection = await driver_connection(self._session)
        return [Namesakes(*row) for row in await connection.fetch(_NAMESAKES, names)]

    async def list_by_alias(self, keys: Sequence[str]) -> list[NamedAuthor]:
        """Find the oldest author of each folded name that is an alias."""
        connection = await driver_connection(self._session)
        return [NamedAuthor(*row) for row in await connection.fetch(_BY_ALIAS, keys)]

    async def create(self, keys: Sequence[str], names: Sequence[str]) -> list[NamedAuthor]:
        """Insert an author of each name; the keys are the names folded, all distinct."""
        connection = await driver_connection(self._session)
        sort_names = [sort_name(name) for name in names]
        return [NamedAuthor(*row) for row in await connection.fetch(_CREATE, keys, names, sort_names)]

    async def lock_names(self, keys: Iterable[str]) -> None:
        """Lock the folded names, always in the same order, against requests that would create the same authors."""
        connection = await driver_connection(self._session)
        # Shared with other requests, not with an import, which locks it instead of thousands of names.
        await connection.execute(ACQUIRE_SHARED, AdvisoryLock.NAMING)
        await connection.execute(ACQUIRE_FOR, sorted(set(keys)), AdvisoryLock.AUTHOR_NAMES)
