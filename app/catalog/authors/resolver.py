"""Finds or creates the authors that printed names mean, for one book or for thousands."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.names import sort_name
from app.catalog.cache_groups import AUTHORS
from app.catalog.canonical import lock_canonical
from app.catalog.models import Author
from app.catalog.names import printed_name
from app.core.cache.hot import invalidate
from app.core.db.driver import DriverConnection, driver_connection
from app.core.db.locks import ACQUIRE_FOR, ACQUIRE_SHARED, AdvisoryLock

# Name by name through the index on the key: a join would make the key of every author there is. The two
# expressions that change nothing keep the planner from walking the primary key or the index on merges.
_NAMESAKES = """
    WITH wanted AS MATERIALIZED (SELECT name, person_key(name) AS key FROM unnest($1::text[]) AS name)
    SELECT wanted.name, key, COALESCE(ids, '{}'), printed FROM wanted CROSS JOIN LATERAL (
        SELECT array_agg(id ORDER BY id + 0) AS ids, (array_agg(authors.name ORDER BY id + 0))[1] AS printed
        FROM authors WHERE person_key(authors.name) = key AND COALESCE(merged_into_id, 0) = 0
    ) AS called_so
"""
_BY_ALIAS = """
    SELECT DISTINCT ON (key) key, id, authors.name
    FROM authors, unnest(person_keys(aliases)) AS key
    WHERE aliases <> '{}' AND person_keys(aliases) && $1::text[] AND key = ANY ($1::text[])
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
    """Whom the key of a name means, and what the author is called."""

    key: str
    id: int
    name: str


Credit = tuple[int, str]
"""Author id and role."""


@dataclass(frozen=True, slots=True)
class ResolvedAuthors:
    """Whom names and ids mean.

    `by_name`: all who are called so, first the one whom the name means. `canonical`: whom an id stands
    for after merges. `printed`: the names of those whom names mean. `created`: who is new.
    """

    by_name: Mapping[str, Sequence[int]] = field(default_factory=dict)
    canonical: Mapping[int, int] = field(default_factory=dict)
    printed: Mapping[int, str] = field(default_factory=dict)
    created: Sequence[int] = ()

    def credit(self, listed: Iterable[tuple[str | int, str]], credited: Collection[Credit]) -> list[Credit]:
        """Turn names or author ids with their roles into the credits of a book that has the `credited` ones.

        Two people may share a name: whom the book credits by it already stays. One mention keeps all
        of the name who have the role, for a list of distinct names cannot tell them apart.
        """
        credits_: list[Credit] = []
        for who, role in listed:
            meant = [who] if isinstance(who, int) else self._meant(who, role, credited)
            new = [(self.canonical.get(one, one), role) for one in meant]
            # A mention of one person twice is the caller's to refuse or to forgive.
            credits_ += new if len(new) == 1 else [one for one in new if one not in credits_]
        return credits_

    def _meant(self, name: str, role: str, credited: Collection[Credit]) -> Sequence[int]:
        called_so = self.by_name[name]
        if not credited:
            return called_so[:1]
        known = [author_id for author_id, _ in credited if author_id in called_so]
        in_this_role = [author_id for author_id in dict.fromkeys(known) if (author_id, role) in credited]
        return in_this_role or known[:1] or called_so[:1]


async def resolve_authors(
    session: AsyncSession,
    names: Iterable[str],
    ids: Iterable[int] = (),
    credited: Collection[int] = (),
    *,
    locks_names: bool = True,
) -> ResolvedAuthors:
    """Find the author of each name, creating who is unknown, and whom the ids stand for.

    Spellings of one name are one, by the database function `person_key`. Of namesakes the oldest is meant, unless a book credits another
    (`credited` are all whom the books in question credit); an alias counts only where no author has
    the name. Who is found is locked against merges, renames and deletion until the commit, so ask
    before anything of a book is written. An id that does not exist is left out of `canonical`.
    New names are locked too, but not for an import, which locks all names at once or none.
    """
    printed = {name: printed_name(name) for name in names}
    connection = await driver_connection(session)
    rows = await _find(connection, list(dict.fromkeys(printed.values())), locks_names=locks_names)
    missing = [row for row in rows if not row.ids]
    others, created = await _find_by_alias_or_create(connection, missing) if missing else ({}, [])
    if created:
        invalidate(session, AUTHORS)
    named = {row.name: row.ids or [others[row.key].id] for row in rows}
    wanted = {one for found in named.values() for one in found if one == found[0] or one in credited}
    wanted.update(ids)
    return ResolvedAuthors(
        by_name={name: named[normal] for name, normal in printed.items()},
        canonical=dict(await lock_canonical(session, Author, wanted)) if wanted else {},
        printed={row.ids[0]: row.printed or row.name for row in rows if row.ids}
        | {author.id: author.name for author in others.values()},
        created=created,
    )


async def _find(connection: DriverConnection, names: Sequence[str], *, locks_names: bool) -> list[Namesakes]:
    """Find who is called by each name; a name that is new is locked."""
    rows = await _list_namesakes(connection, names) if names else []
    missing = [row for row in rows if not row.ids]
    if not (missing and locks_names):
        return rows
    # Requests that name the same new author at once create one: the later waits here for the earlier
    # to commit, and then finds what it created. All lock in the same order. The first lock is shared
    # with other requests, not with an import, which takes it alone instead of thousands of names.
    await connection.execute(ACQUIRE_SHARED, AdvisoryLock.NAMING)
    await connection.execute(ACQUIRE_FOR, sorted({row.key for row in missing}), AdvisoryLock.AUTHOR_NAMES)
    found = await _list_namesakes(connection, [row.name for row in missing])
    return [row for row in rows if row.ids] + found


async def _list_namesakes(connection: DriverConnection, names: Sequence[str]) -> list[Namesakes]:
    return [Namesakes(*row) for row in await connection.fetch(_NAMESAKES, names)]


async def _find_by_alias_or_create(
    connection: DriverConnection, missing: Sequence[Namesakes]
) -> tuple[dict[str, NamedAuthor], list[int]]:
    """Give the author of each key that no author's name has, the oldest of an alias, and the ids of who is new."""
    rows = await connection.fetch(_BY_ALIAS, [row.key for row in missing])
    by_key = {author.key: author for author in (NamedAuthor(*row) for row in rows)}
    unknown: dict[str, str] = {}
    for row in missing:
        if row.key not in by_key:
            # Of several spellings of a new name the first is printed.
            unknown.setdefault(row.key, row.name)
    if not unknown:
        return by_key, []
    names = list(unknown.values())
    rows = await connection.fetch(_CREATE, list(unknown), names, [sort_name(name) for name in names])
    created = [NamedAuthor(*row) for row in rows]
    return by_key | {author.key: author for author in created}, [author.id for author in created]
