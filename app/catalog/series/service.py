"""Editing series."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS
from app.catalog.models import Series
from app.catalog.series.errors import SeriesInUse, no_series
from app.catalog.series.repository import SeriesRepository
from app.catalog.series.schemas import SeriesPatch
from app.core.audit import differences, record_audit, record_edit
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.http.conditional import Precondition


class SeriesService:
    """Edits series; books make them by naming them."""

    def __init__(self, session: AsyncSession, series: SeriesRepository) -> None:
        self._session = session
        self._series = series

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, SeriesRepository(session))

    async def change(self, series_id: int, precondition: Precondition, patch: SeriesPatch) -> None:
        """Rename the series in all its books. Raises SeriesNotFound, StaleVersion, SeriesNameTaken."""
        series = await self._lock(series_id, precondition)
        if "name" not in patch.model_fields_set:
            return
        changes = differences(series, {"name": patch.name})
        record_edit(self._session, "series.renamed", ("series", series_id), changes)
        await self._series.rename(series, patch.name)
        # The name shows in books and in lists of books.
        invalidate(self._session, EVERYTHING)

    async def delete(self, series_id: int, precondition: Precondition) -> None:
        """Delete a series without books. Raises SeriesNotFound, StaleVersion, SeriesInUse."""
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
            raise no_series(series_id)
        precondition.check(series.version)
        return series
