"""SQL of series."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Book, Series
from app.core.db.driver import driver_connection

_LOCK_BY_NAME = """
    WITH wanted AS MATERIALIZED (SELECT name, fold(name) AS key FROM unnest($1::text[]) AS name)
    SELECT wanted.name, series.id, series.name FROM wanted JOIN series ON name_folded = key
    ORDER BY series.id FOR KEY SHARE OF series
"""
_CREATE = """
    INSERT INTO series (name) SELECT DISTINCT ON (fold(name)) name FROM unnest($1::text[]) AS name
    ORDER BY fold(name) ON CONFLICT DO NOTHING RETURNING id
"""


class NamedSeries(NamedTuple):
    """A name, the series that it means, and what that is called."""

    name: str
    id: int
    printed: str


class SeriesRepository:
    """Writes and locks series, one by one or by the thousand."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, series_id: int) -> Series | None:
        """The series, locked against other writers, and against new books, until the transaction ends."""
        return await self._session.get(Series, series_id, with_for_update=True)

    async def lock_by_name(self, names: Sequence[str]) -> list[NamedSeries]:
        """Find the series of each name and lock it against deletion; what does not exist is left out."""
        connection = await driver_connection(self._session)
        return [NamedSeries(*row) for row in await connection.fetch(_LOCK_BY_NAME, names)]

    async def create(self, names: Sequence[str]) -> list[int]:
        """Insert series of these names unless they exist; the ids of the new ones."""
        connection = await driver_connection(self._session)
        return [row[0] for row in await connection.fetch(_CREATE, names)]

    async def has_books(self, series_id: int) -> bool:
        """Whether any book is of the series."""
        return bool(
            await self._session.scalar(select(select(Book).where(Book.series_id == series_id).exists()))
        )

    async def delete(self, series: Series) -> None:
        """Delete the series."""
        await self._session.delete(series)
        await self._session.flush()

    async def rename(self, series: Series, name: str) -> None:
        """Give the series a name; a taken one is refused at once."""
        series.name = name
        await self._session.flush()
