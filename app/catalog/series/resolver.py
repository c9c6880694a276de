"""Finds or creates the series that books name, for one book or for thousands."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.series.repository import NamedSeries, SeriesRepository


@dataclass(frozen=True, slots=True)
class ResolvedSeries:
    """The series that each name means, and the ids of those that are new."""

    by_name: Mapping[str, NamedSeries]
    created: list[int]


class SeriesResolver:
    """Turns names into series of one transaction."""

    def __init__(self, series: SeriesRepository) -> None:
        self._series = series

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(SeriesRepository(session))

    async def resolve(self, names: Iterable[str]) -> ResolvedSeries:
        """Find the series of each name, creating what is unknown; case and accents do not count.

        Locked until the commit, so that nobody deletes one for being empty meanwhile.
        """
        missing = list(dict.fromkeys(names))
        found: dict[str, NamedSeries] = {}
        created: list[int] = []
        while missing:
            found |= {one.name: one for one in await self._series.lock_by_name(missing)}
            missing = [name for name in missing if name not in found]
            if missing:
                # Who creates the same at the same moment is waited for; whose series it is, it is found then.
                created += await self._series.create(missing)
        return ResolvedSeries(found, created)
