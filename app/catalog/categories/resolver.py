"""Finds or creates the categories that files name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import CATEGORIES
from app.catalog.categories.repository import CategoryRepository
from app.catalog.slugs import SLUG_PATTERN, make_slug
from app.core.cache.hot import invalidate


@dataclass(frozen=True, slots=True)
class ResolvedCategories:
    """The category that each name or slug means, the slugs of these, and the ids of those that are new."""

    by_name: Mapping[str, int]
    slugs: Mapping[int, str]
    created: list[int]


class CategoryResolver:
    """Turns names and slugs into categories of one transaction."""

    def __init__(self, session: AsyncSession, categories: CategoryRepository) -> None:
        self._session = session
        self._categories = categories

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, CategoryRepository(session))

    async def resolve(self, names: Iterable[str]) -> ResolvedCategories:
        """Find each category by its slug or by what its name makes one, creating at the top what is unknown.

        Every name must be one that `make_slug` can make a slug of.
        """
        slugs = {name: make_slug(name) or "" for name in names}
        known = dict(await self._categories.list_by_slug(list(dict.fromkeys(slugs.values()))))
        missing = {slug: name for name, slug in slugs.items() if slug not in known}
        created: list[int] = []
        if missing:
            await self._categories.lock_tree()
            # Who gave a slug means a title made of it; any other name stays as it is.
            titles = [
                name.replace("-", " ").capitalize() if re.fullmatch(SLUG_PATTERN, name) else name
                for name in missing.values()
            ]
            created = await self._categories.create(list(missing), titles)
            known |= await self._categories.list_by_slug(list(missing))
            invalidate(self._session, CATEGORIES)
        by_name = {name: known[slug] for name, slug in slugs.items()}
        return ResolvedCategories(by_name, {id_: slug for slug, id_ in known.items()}, created)
