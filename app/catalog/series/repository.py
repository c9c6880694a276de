"""SQL of series."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Book, Series


class SeriesRepository:
    """Writes and locks one series."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, series_id: int) -> Series | None:
        """Lock the series against other writers, and against new books, until the transaction ends."""
        return await self._session.get(Series, series_id, with_for_update=True)

    async def has_books(self, series_id: int) -> bool:
        """Tell whether any book is of the series."""
        books = exists().where(Book.series_id == series_id)
        return bool(await self._session.scalar(select(books)))

    async def delete(self, series: Series) -> None:
        """Delete the series."""
        await self._session.delete(series)
        await self._session.flush()

    async def rename(self, series: Series, name: str) -> None:
        """Give the series a name; a taken one is refused at once."""
        series.name = name
        await self._session.flush()
