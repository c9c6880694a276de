"""Reading, listing and editing series."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.books.answers import book_out
from app.catalog.cache_groups import LISTS
from app.catalog.models import Series
from app.catalog.series.errors import SeriesInUse, SeriesNotFound
from app.catalog.series.repository import SeriesRepository, find_series, list_books_of_series, list_series
from app.catalog.series.schemas import SeriesBooksQuery, SeriesFilter, SeriesOut, SeriesPatch
from app.core.audit import differences, record_audit, record_edit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.paging import Pager
from app.core.http.conditional import Precondition, version_etag
from app.core.http.responses import ReadResult


class SeriesService:
    """Edits series; books make them by naming them."""

    def __init__(self, session: AsyncSession, series: SeriesRepository) -> None:
        self._session = session
        self._series = series

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(session, SeriesRepository(session))

    async def change(self, series_id: int, precondition: Precondition, patch: SeriesPatch) -> None:
        """Rename the series in all its books. SeriesNotFound, StaleVersion, SeriesNameTaken."""
        series = await self._lock(series_id, precondition)
        sent = patch.sent()
        if not sent:
            return
        record_edit(self._session, "series.renamed", ("series", series_id), differences(series, sent))
        await self._series.rename(series, patch.name)
        # The name shows in books and in lists of books.
        invalidate(self._session, EVERYTHING)

    async def delete(self, series_id: int, precondition: Precondition) -> None:
        """Delete a series without books. SeriesNotFound, StaleVersion, SeriesInUse."""
        series = await self._lock(series_id, precondition)
        # The lock keeps new books out, so that the answer still holds when the row goes.
        if await self._series.has_books(series_id):
            raise SeriesInUse("Take its books out first.")
        record_audit(self._session, "series.deleted", ("series", series_id), {"name": (series.name, None)})
        await self._series.delete(series)
        invalidate(self._session, LISTS)

    async def _lock(self, series_id: int, precondition: Precondition) -> Series:
        series = await self._series.lock(series_id)
        if series is None:
            raise _no_series(series_id)
        precondition.check(series.version)
        return series


class SeriesCatalogue:
    """Reads series for display."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def get(self, series_id: int) -> ReadResult:
        """One series. SeriesNotFound."""
        row = await find_series(self._connection, series_id)
        if row is None:
            raise _no_series(series_id)
        series = SeriesOut.model_validate(row)
        return ReadResult(series, row.snapshot, version_etag(series.version, series.book_count))

    async def list(self, query: SeriesFilter, pager: Pager) -> ReadResult:
        """One page of series. InvalidCursor."""
        window = pager.window(query)
        found = await list_series(self._connection, query.search, query.sort, window)
        series = [SeriesOut.model_validate(row) for row in found.rows]
        return ReadResult(pager.page(query, window, found, series), found.snapshot)

    async def list_books(self, series_id: int, query: SeriesBooksQuery, pager: Pager) -> ReadResult:
        """One page of the books of a series, in their order. SeriesNotFound, InvalidCursor."""
        window = pager.window(query)
        series = await self.get(series_id)
        found = await list_books_of_series(self._connection, series_id, window)
        page = pager.page(query, window, found, [book_out(row) for row in found.rows])
        # The older snapshot of the two: were the series deleted in between, the list must not be kept.
        return ReadResult(page, series.snapshot)


def _no_series(series_id: int) -> SeriesNotFound:
    return SeriesNotFound(f"There is no series {series_id}.")
