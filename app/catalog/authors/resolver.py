"""Finds or creates the authors that printed names mean, for one book or for thousands."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.names import as_printed
from app.catalog.authors.repository import AuthorRepository, NamedAuthor, Namesakes
from app.catalog.cache_groups import AUTHORS
from app.core.cache.hot import invalidate

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
        known = [author_id for author_id, _ in credited if author_id in called_so]
        in_this_role = [author_id for author_id in dict.fromkeys(known) if (author_id, role) in credited]
        return in_this_role or known[:1] or called_so[:1]


class AuthorResolver:
    """Turns names into authors of one transaction."""

    def __init__(self, session: AsyncSession, authors: AuthorRepository, *, locks_names: bool) -> None:
        self._session = session
        self._authors = authors
        self._locks_names = locks_names

    @classmethod
    def build(cls, session: AsyncSession, *, locks_names: bool = True) -> Self:
        """Compose it on one session; an import, which locks all names at once or none, locks no single ones."""
        return cls(session, AuthorRepository(session), locks_names=locks_names)

    async def resolve(
        self, names: Iterable[str], ids: Iterable[int] = (), credited: Collection[int] = ()
    ) -> ResolvedAuthors:
        """Find the author of each name, creating who is unknown, and whom the ids stand for.

        Case and accents do not count. Of namesakes the oldest is meant, unless a book credits another
        (`credited` are all whom the books in question credit); an alias counts only where no author has
        the name. Who is found is locked against merges, renames and deletion until the commit, so ask
        before anything of a book is written. An id that does not exist is left out of `canonical`.
        """
        printed = {name: as_printed(name) for name in names}
        rows = await self._find(list(dict.fromkeys(printed.values())))
        missing = [row for row in rows if not row.ids]
        others, created = await self._find_by_alias_or_create(missing) if missing else ({}, [])
        named = {row.name: row.ids or [others[row.key].id] for row in rows}
        wanted = {one for found in named.values() for one in found if one == found[0] or one in credited}
        wanted.update(ids)
        return ResolvedAuthors(
            by_name={name: named[normal] for name, normal in printed.items()},
            canonical=dict(await self._authors.lock_canonical(wanted)) if wanted else {},
            printed={row.ids[0]: row.printed or row.name for row in rows if row.ids}
            | {author.id: author.name for author in others.values()},
            created=created,
        )

    async def _find(self, names: Sequence[str]) -> list[Namesakes]:
        rows = await self._authors.list_namesakes(names) if names else []
        missing = [row for row in rows if not row.ids]
        if not (missing and self._locks_names):
            return rows
        # Requests that name the same new author at once create one: the later waits here for the
        # earlier to commit, and then finds what it created.
        await self._authors.lock_names(row.key for row in missing)
        return [row for row in rows if row.ids] + await self._authors.list_namesakes(
            [row.name for row in missing]
        )

    async def _find_by_alias_or_create(
        self, missing: Sequence[Namesakes]
    ) -> tuple[dict[str, NamedAuthor], list[int]]:
        """The author of each folded name that no author has, and the ids of those who are new."""
        by_key = {
            author.key: author for author in await self._authors.list_by_alias([row.key for row in missing])
        }
        unknown: dict[str, str] = {}
        for row in missing:
            if row.key not in by_key:
                # Of several spellings of a new name the first is printed.
                unknown.setdefault(row.key, row.name)
        if not unknown:
            return by_key, []
        created = await self._authors.create(list(unknown), list(unknown.values()))
        invalidate(self._session, AUTHORS)
        return by_key | {author.key: author for author in created}, [author.id for author in created]
