"""Reads of series for display."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import BookDocument, Series
from app.catalog.series.errors import no_series
from app.catalog.series.schemas import SeriesFilter, SeriesOut
from app.core.db.paging import Pager
from app.core.db.queries import contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Series.id,
    Series.name,
    # What is off sale has no document.
    select(func.count()).where(BookDocument.series_id == Series.id).scalar_subquery().label("book_count"),
    Series.version,
)
_SERIES = select(*_COLUMNS, snapshot_text).where(Series.id == bindparam("series"))
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {"name": Series.name_folded}


async def get_series(connection: AsyncConnection, series_id: int) -> ReadResult:
    """Read one series, with how many books it has. Raises SeriesNotFound."""
    row = (await connection.execute(_SERIES, {"series": series_id})).one_or_none()
    if row is None:
        raise no_series(series_id)
    series = SeriesOut.model_validate(row)
    return ReadResult(series, row.snapshot, version_etag(series.version, series.book_count))


async def list_series(connection: AsyncConnection, query: SeriesFilter, pager: Pager) -> ReadResult:
    """Read one page of series whose name contains what is searched for. Raises InvalidCursor."""
    matching = select(Series.id)
    if query.search is not None:
        matching = matching.where(contains_folded(Series.name_folded, query.search))
    window = pager.window(query)
    order = Order.by(query.sort, _SORT_COLUMNS, Series.id)
    found = await find_page(connection, matching, order, window, _COLUMNS)
    series = [SeriesOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, series), found.snapshot)
