"""SQL of series."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Book, Series


class SeriesRepository:
    """Series of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, series_id: int) -> Series | None:
        """The series, locked against other writers, and against new books, until the transaction ends."""
        return await self._session.get(Series, series_id, with_for_update=True)

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
