"""Reads searches that found nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import SearchMiss
from app.catalog.search.zero_results.schemas import ZeroResultFilter, ZeroResultOut
from app.core.db.paging import Pager
from app.core.db.queries import find_page
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    SearchMiss.id,
    SearchMiss.query,
    SearchMiss.count,
    SearchMiss.last_at,
)
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "count": SearchMiss.count,
    "last_at": SearchMiss.last_at,
}


async def list_zero_results(connection: AsyncConnection, query: ZeroResultFilter, pager: Pager) -> ReadResult:
    """One page, the most frequent first. Raises InvalidCursor."""
    window = pager.window(query)
    order = Order.by(query.sort, _SORT_COLUMNS, SearchMiss.id)
    found = await find_page(connection, select(SearchMiss.id), order, window, _COLUMNS)
    entries = [ZeroResultOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, entries), found.snapshot)
