"""Reads stock-takes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, and_, case, func, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import Book, Item, StockLevel
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.sales.counts.errors import no_count
from app.sales.counts.schemas import CountDetails, CountFilter, CountLineOut, CountOut
from app.sales.models import CountStatus, StockCount, StockCountLine

_VARIANCE = StockCountLine.counted - StockCountLine.expected


def _lines_of(*conditions: Any) -> SQLColumnExpression[Any]:
    lines = select(func.count()).where(StockCountLine.count_id == StockCount.id, *conditions)
    return lines.correlate(StockCount).scalar_subquery()


_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    StockCount.id,
    StockCount.name,
    StockCount.status,
    StockCount.category_id,
    StockCount.item_ids,
    _lines_of().label("items"),
    _lines_of(_VARIANCE != 0).label("variances"),
    StockCount.opened_by,
    StockCount.closed_by,
    StockCount.created_at,
    StockCount.closed_at,
    StockCount.version,
)
_LINE: Sequence[SQLColumnExpression[Any]] = (
    StockCountLine.item_id,
    Item.title,
    Book.isbn13.label("isbn"),
    Item.sku,
    StockCountLine.counted,
    StockCountLine.expected,
    _VARIANCE.label("variance"),
    case(
        (StockCount.status == CountStatus.OPEN, StockLevel.on_hand - StockCountLine.expected), else_=null()
    ).label("moved_since"),
    StockLevel.reserved,
    StockCountLine.counted_by,
    StockCountLine.counted_at,
)
_LINES = (
    select(*_LINE)
    .select_from(StockCountLine)
    .join(StockCount, StockCount.id == StockCountLine.count_id)
    .join(Item, Item.id == StockCountLine.item_id)
    .join(StockLevel, StockLevel.item_id == StockCountLine.item_id)
    .outerjoin(Book, Book.item_id == StockCountLine.item_id)
)


async def list_counts(connection: AsyncConnection, query: CountFilter, pager: Pager) -> ReadResult:
    """One page of stock-takes, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(StockCount.id)
    if query.status is not None:
        matching = matching.where(StockCount.status == query.status)
    order = Order(keys=((StockCount.id.expression, True),))
    found = await find_page(connection, matching, order, window, _COLUMNS)
    counts = [CountOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, counts), found.snapshot)


async def get_count(connection: AsyncConnection, count_id: int) -> ReadResult:
    """One stock-take with all that was counted. Raises CountNotFound."""
    wanted = select(*_COLUMNS, snapshot_text).where(StockCount.id == count_id)
    row = (await connection.execute(wanted)).mappings().one_or_none()
    if row is None:
        raise no_count(count_id)
    of_count = _LINES.where(StockCountLine.count_id == count_id).order_by(Item.title_folded, Item.id)
    lines = [CountLineOut.model_validate(line) for line in await connection.execute(of_count)]
    return ReadResult(CountDetails.model_validate({**row, "lines": lines}), row["snapshot"])


async def get_line(connection: AsyncConnection, count_id: int, item_id: int) -> ReadResult:
    """What was counted of one item, which there is."""
    of_item = and_(StockCountLine.count_id == count_id, StockCountLine.item_id == item_id)
    row = (await connection.execute(_LINES.add_columns(snapshot_text).where(of_item))).one()
    return ReadResult(CountLineOut.model_validate(row), row.snapshot)
