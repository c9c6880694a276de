"""SQL of authors."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
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
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.bulk import BULK_LOCK
from app.catalog.canonical import lock_canonical
from app.catalog.models import Author, Contributor
from app.core.db.queries import AnyRow, containing

NAMES_LOCK = 0x617574686F72
"""Seed of the advisory locks on names: keys made with it are of authors alone."""

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


def _wanted(names: Iterable[str]) -> Any:
    return _unnested(list(dict.fromkeys(names)), "name")


def _unnested(values: Sequence[str], name: str) -> Any:
    return (
        func.unnest(cast(values, ARRAY(Text)))
        .table_valued(column(name, Text))
        .render_derived(name=f"{name}s")
    )
