"""Finds the authors that printed names mean."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.names import as_printed, sort_name
from app.catalog.authors.repository import AuthorRepository
from app.catalog.cache_groups import AUTHORS
from app.catalog.models import Author
from app.core.cache.hot import invalidate


class AuthorDirectory:
    """Turns printed names into authors."""

    def __init__(self, session: AsyncSession, authors: AuthorRepository) -> None:
        self._session = session
        self._authors = authors

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The directory on one session."""
        return cls(session, AuthorRepository(session))

    async def ids_by_name(self, names: Sequence[str]) -> dict[str, int]:
        """The author of each name; who is unknown is made.

        Case and accents do not count. The oldest of several namesakes is taken; an alias
        counts only where no author has the name. Requests that name the same new author at
        once make one: the later waits for the earlier to commit.
        """
        printed = {name: as_printed(name) for name in names}
        rows = await self._authors.list_by_name(printed.values())
        ids = {row.name: row.id for row in rows}
        keys = {row.name: row.key for row in rows if row.id is None}
        if keys:
            missing = {name: keys[name] for name in printed.values() if name in keys}
            ids |= await self._find_or_make(missing)
        return {name: ids[normal] for name, normal in printed.items()}

    async def current(self, ids: Iterable[int]) -> dict[int, int]:
        """Each author with the one that stands for it after merges; who does not exist is left out.

        Held until the commit, so that no merge can leave a contribution behind: ask before any book is locked
        by a write.
        """
        return dict(await self._authors.lock_current(ids))

    async def _find_or_make(self, keys: Mapping[str, str]) -> dict[str, int]:
        await self._authors.lock_names(keys.values())
        ids = {row.name: row.id for row in await self._authors.list_by_any_name(keys)}
        made: dict[str, Author] = {}
        for name, key in keys.items():
            if ids[name] is None:
                made.setdefault(key, Author(name=name, sort_name=sort_name(name)))
        if made:
            await self._authors.add(*made.values())
            invalidate(self._session, AUTHORS)
        return {name: ids[name] or made[key].id for name, key in keys.items()}
