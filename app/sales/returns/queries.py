"""Reads of returns."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order as SortOrder
from app.core.http.responses import ReadResult
from app.sales.errors import no_order
from app.sales.models import Order, Return
from app.sales.returns.schemas import ReturnFilter, ReturnOut, ReturnsOut

_NUMBER = select(Order.number).where(Order.id == Return.order_id).correlate(Return).scalar_subquery()
_COLUMNS = (
    Return.id,
    _NUMBER.label("order_number"),
    Return.status,
    Return.reason,
    Return.note,
    Return.lines,
    Return.refund_id,
    Return.created_at,
    Return.updated_at,
)


async def get_return(connection: AsyncConnection, return_id: int) -> ReadResult:
    """A return that there is."""
    row = (await connection.execute(select(*_COLUMNS, snapshot_text).where(Return.id == return_id))).one()
    return ReadResult(ReturnOut.model_validate(row), row.snapshot)


async def list_order_returns(connection: AsyncConnection, number: str, user_id: int | None) -> ReadResult:
    """All returns of an order; with `user_id` only if it is theirs. Raises OrderNotFound."""
    order = select(Order.id, snapshot_text).where(Order.number == number)
    if user_id is not None:
        order = order.where(Order.user_id == user_id)
    found = (await connection.execute(order)).one_or_none()
    if found is None:
        raise no_order(number)
    wanted = select(*_COLUMNS).where(Return.order_id == found.id).order_by(Return.id)
    items = [ReturnOut.model_validate(row) for row in await connection.execute(wanted)]
    return ReadResult(ReturnsOut(items=items), found.snapshot)


async def list_returns(connection: AsyncConnection, query: ReturnFilter, pager: Pager) -> ReadResult:
    """One page of all returns, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(Return.id)
    if query.status is not None:
        matching = matching.where(Return.status == query.status)
    order = SortOrder(keys=((Return.id.expression, True),))
    found = await find_page(connection, matching, order, window, _COLUMNS)
    returns = [ReturnOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, returns), found.snapshot)
