"""SQL of authors."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    SQLColumnExpression,
    Text,
    any_,
    cast,
    column,
    delete,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.bulk import BULK_LOCK
from app.catalog.canonical import find_canonical, lock_canonical
from app.catalog.models import Author, Contributor
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, containing, contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order

NAMES_LOCK = 0x617574686F72
"""Seed of the advisory locks on names: keys made with it are of authors alone."""

_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "name": Author.sort_name,
    "created_at": Author.created_at,
}
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Author.id,
    Author.name,
    Author.sort_name,
    Author.aliases,
    Author.version,
    Author.created_at,
    Author.updated_at,
    Author.merged_into_id,
)
_AUTHOR = select(*_COLUMNS, snapshot_text)
_STANDS = Author.merged_into_id.is_(None)


class AuthorRepository:
    """Authors of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, *authors: Author) -> None:
        """Insert the authors, so that their ids are known."""
        self._session.add_all(authors)
        await self._session.flush()

    async def lock(self, author_id: int) -> Author | None:
        """The author, held against other writers, and against new contributions, until the transaction ends."""
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

    async def lock_current(self, ids: Iterable[int]) -> list[tuple[int, int]]:
        """Each author with the one that stands for it after merges, held against merges and deletion."""
        return await lock_canonical(self._session, Author, ids)

    async def find_current(self, author_id: int) -> int:
        """The author that a merged one was merged into."""
        return await find_canonical(self._session, Author, author_id)

    async def list_by_name(self, names: Iterable[str]) -> Sequence[AnyRow]:
        """Each name with its folded `key` and the oldest author of that name, if any, as `id`."""
        wanted = _wanted(names)
        statement = (
            select(wanted.c.name, func.fold(wanted.c.name).label("key"), func.min(Author.id).label("id"))
            .select_from(wanted)
            .outerjoin(Author, (func.fold(Author.name) == func.fold(wanted.c.name)) & _STANDS)
            .group_by(wanted.c.name)
        )
        return (await self._session.execute(statement)).all()

    async def list_by_any_name(self, names: Iterable[str]) -> Sequence[AnyRow]:
        """Each name and its author's `id`; where no author has the name, an alias counts."""
        wanted = _wanted(names)
        key = func.fold(wanted.c.name)
        is_one_of_the_names = key == any_(func.string_to_array(Author.names_folded, "\n"))
        oldest = func.min(Author.id)
        statement = (
            select(
                wanted.c.name,
                func.coalesce(oldest.filter(func.fold(Author.name) == key), oldest).label("id"),
            )
            .select_from(wanted)
            # The pattern finds candidates through the trigram index; the second condition decides.
            .outerjoin(Author, Author.names_folded.like(containing(key)) & is_one_of_the_names & _STANDS)
            .group_by(wanted.c.name)
        )
        return (await self._session.execute(statement)).all()

    async def lock_names(self, keys: Iterable[str]) -> None:
        """Hold the folded names, always in the same order, against requests that would make the same authors."""
        key = _unnested(sorted(set(keys)), "key")
        hashed = func.hashtextextended(key.c.key, NAMES_LOCK)
        # Shared with other requests, not with an import, which holds it instead of thousands of names.
        await self._session.execute(select(func.pg_advisory_xact_lock_shared(BULK_LOCK)))
        await self._session.execute(select(func.pg_advisory_xact_lock(hashed)).select_from(key))


async def find_author(connection: AsyncConnection, author_id: int) -> AnyRow | None:
    """The author's answer columns and the snapshot they were read in."""
    return (await connection.execute(_AUTHOR.where(Author.id == author_id))).one_or_none()


async def list_authors(
    connection: AsyncConnection, search: str | None, sort: Sequence[str], window: Window
) -> Found[AnyRow]:
    """One page of authors whose name or alias contains the text."""
    matching = select(Author.id).where(_STANDS)
    if search is not None:
        matching = matching.where(contains_folded(Author.names_folded, search))
    order = Order.by(sort, _SORT_COLUMNS, Author.id)
    return await find_page(connection, matching, order, window, _COLUMNS, _join_authors)


def _join_authors(source: FromClause, author_id: ColumnElement[int]) -> FromClause:
    return source.outerjoin(Author, Author.id == author_id)


def _wanted(names: Iterable[str]) -> Any:
    return _unnested(list(dict.fromkeys(names)), "name")


def _unnested(values: Sequence[str], name: str) -> Any:
    return (
        func.unnest(cast(values, ARRAY(Text)))
        .table_valued(column(name, Text))
        .render_derived(name=f"{name}s")
    )
