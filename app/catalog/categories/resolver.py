"""Finds or creates the categories that files name."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import CATEGORIES
from app.catalog.slugs import SLUG_PATTERN, make_slug
from app.core.cache.hot import invalidate
from app.core.db.driver import driver_connection
from app.core.db.locks import AdvisoryLock, acquire

_BY_SLUG = "SELECT slug, id FROM categories WHERE slug = ANY ($1::text[])"
_CREATE = """
    INSERT INTO categories (name, slug, path) SELECT name, slug, slug FROM unnest($1::text[], $2::text[])
    AS new (slug, name) ON CONFLICT DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class ResolvedCategories:
    """The category that each name or slug means, the slugs of these, and the ids of those that are new."""

    by_name: Mapping[str, int]
    slugs: Mapping[int, str]
    created: list[int]


async def resolve_categories(session: AsyncSession, names: Iterable[str]) -> ResolvedCategories:
    """Find each category by its slug or by what its name makes one, creating at the top what is unknown.

    Every name must be one that `make_slug` can make a slug of.
    """
    connection = await driver_connection(session)
    slugs = {name: make_slug(name) or "" for name in names}
    rows = await connection.fetch(_BY_SLUG, list(dict.fromkeys(slugs.values())))
    known: dict[str, int] = {row[0]: row[1] for row in rows}
    missing = {slug: name for name, slug in slugs.items() if slug not in known}
    created: list[int] = []
    if missing:
        await session.execute(acquire(AdvisoryLock.CATEGORY_TREE))
        # Who gave a slug means a title made of it; any other name stays as it is.
        titles = [
            name.replace("-", " ").capitalize() if re.fullmatch(SLUG_PATTERN, name) else name
            for name in missing.values()
        ]
        created = [row[0] for row in await connection.fetch(_CREATE, list(missing), titles)]
        known |= {row[0]: row[1] for row in await connection.fetch(_BY_SLUG, list(missing))}
        invalidate(session, CATEGORIES)
    by_name = {name: known[slug] for name, slug in slugs.items()}
    return ResolvedCategories(by_name, {id_: slug for slug, id_ in known.items()}, created)
