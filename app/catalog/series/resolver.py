"""Finds or creates the series that books name, for one book or for thousands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.names import printed_name
from app.core.db.driver import driver_connection

# Name by name through the index on the key: a join would make the key of every series there is.
_LOCK_BY_NAME = """
    WITH wanted AS MATERIALIZED (
        SELECT wanted.name, (SELECT id FROM series WHERE series_key(series.name) = series_key(wanted.name)) AS id
        FROM unnest($1::text[]) AS wanted (name)
    )
    SELECT wanted.name, series.id, series.name FROM wanted JOIN series USING (id)
    ORDER BY series.id FOR KEY SHARE OF series
"""
_CREATE = """
    INSERT INTO series (name) SELECT DISTINCT ON (series_key(name)) name
    FROM unnest($1::text[]) WITH ORDINALITY AS new (name, place)
    ORDER BY series_key(name), place ON CONFLICT DO NOTHING RETURNING id
"""


class NamedSeries(NamedTuple):
    """A name, the series that it means, and what that is called."""

    name: str
    id: int
    printed: str


@dataclass(frozen=True, slots=True)
class ResolvedSeries:
    """The series that each name means, and the ids of those that are new."""

    by_name: Mapping[str, NamedSeries]
    created: list[int]


async def resolve_series(session: AsyncSession, names: Iterable[str]) -> ResolvedSeries:
    """Find the series of each name, creating what is unknown; spellings of one name are one, and the first shows.

    Locked until the commit, so that nobody deletes one for being empty meanwhile.
    """
    connection = await driver_connection(session)
    printed = {name: printed_name(name) for name in names}
    missing = list(dict.fromkeys(printed.values()))
    found: dict[str, NamedSeries] = {}
    created: list[int] = []
    while missing:
        rows = [NamedSeries(*row) for row in await connection.fetch(_LOCK_BY_NAME, missing)]
        found |= {one.name: one for one in rows}
        missing = [name for name in missing if name not in found]
        if missing:
            # Who creates the same at the same moment is waited for; whose series it is, it is found then.
            created += [row[0] for row in await connection.fetch(_CREATE, missing)]
    return ResolvedSeries({name: found[shown] for name, shown in printed.items()}, created)
