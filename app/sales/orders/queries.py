"""Reads orders for display, and answers what others ask of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, SQLColumnExpression, exists, func, null, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import StockLevel
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order as SortOrder
from app.core.http.responses import ReadResult, version_etag
from app.sales.errors import no_order
from app.sales.models import Order, OrderEvent, OrderLine, OrderPart
from app.sales.order_states import FulfilmentStatus, OrderStatus, offered_actions
from app.sales.orders.schemas import OrderEventOut, OrderOut, OrderTimelineOut, StaffOrderFilter

# A part's pieces come in whole lines, so any part of a line tells how many of the line left.
_SHIPPED = (
    select(func.coalesce(func.min(OrderPart.shipped * OrderLine.quantity / OrderPart.quantity), 0))
    .where(OrderPart.line_id == OrderLine.id)
    .correlate(OrderLine)
    .scalar_subquery()
)
_LINE_COLUMNS = (
    OrderLine.id,
    OrderLine.item_id,
    OrderLine.title,
    OrderLine.isbn,
    OrderLine.quantity,
    OrderLine.unit_price,
    OrderLine.tax_rate,
    OrderLine.tax,
    OrderLine.discount,
    OrderLine.line_total,
)
_LINES = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    *(part for column in _LINE_COLUMNS for part in (column.key, column)), "shipped", _SHIPPED
                ),
                OrderLine.position,
            ),
            type_=JSONB,
        )
    )
    .where(OrderLine.order_id == Order.id)
    .correlate(Order)
    .scalar_subquery()
)
_UNSHOWN = frozenset({"user_id", "updated_at", "pickup_code"})
_NO_CODE = null().label("pickup_code")
"""For all but the buyer, who proves by it who they are."""
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    *(column for name, column in Order.__mapper__.columns.items() if name not in _UNSHOWN),
    _LINES.label("lines"),
)
_IS_PICKUP = func.coalesce(Order.shipping_option["is_pickup"].as_boolean(), False).label("is_pickup")
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {"created_at": Order.created_at, "total": Order.total}


class Bought(NamedTuple):
    """A line of an order, as far as it can be ordered again."""

    item_id: int
    title: str
    quantity: int


async def get_order(connection: AsyncConnection, number: str, user_id: int | None = None) -> ReadResult:
    """Read an order; with `user_id` only if it is theirs. Raises OrderNotFound."""
    code = _NO_CODE if user_id is None else Order.pickup_code
    wanted = select(*_COLUMNS, code, snapshot_text).where(Order.number == number, *_owned(user_id))
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        raise no_order(number)
    return ReadResult(OrderOut.model_validate(row), row.snapshot, version_etag(row.version))


async def list_orders(connection: AsyncConnection, query: StaffOrderFilter, pager: Pager) -> ReadResult:
    """Read one page of orders. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(Order.id).where(*_conditions(query))
    order = SortOrder.by(query.sort, _SORT_COLUMNS, Order.id)
    found = await find_page(connection, matching, order, window, [*_COLUMNS, _NO_CODE])
    orders = [OrderOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, orders), found.snapshot)


async def get_timeline(connection: AsyncConnection, number: str, user_id: int | None = None) -> ReadResult:
    """Read what happened to an order: for its buyer, with `user_id`, what is public. Raises OrderNotFound."""
    states = (Order.id, Order.status, Order.fulfilment_status, _IS_PICKUP, snapshot_text)
    row = (
        await connection.execute(select(*states).where(Order.number == number, *_owned(user_id)))
    ).one_or_none()
    if row is None:
        raise no_order(number)
    events = select(OrderEvent.__table__).where(OrderEvent.order_id == row.id).order_by(OrderEvent.id)
    if user_id is not None:
        events = events.where(OrderEvent.is_public)
    shown = [OrderEventOut.model_validate(event) for event in await connection.execute(events)]
    status, fulfilment = OrderStatus(row.status), FulfilmentStatus(row.fulfilment_status)
    allowed = offered_actions(status, fulfilment, is_pickup=row.is_pickup)
    return ReadResult(OrderTimelineOut(events=shown, allowed=allowed), row.snapshot)


async def list_bought(connection: AsyncConnection, number: str, user_id: int) -> Sequence[Bought]:
    """List what the account's order had. Raises OrderNotFound."""
    lines = select(OrderLine.item_id, OrderLine.title, OrderLine.quantity).join(
        Order, Order.id == OrderLine.order_id
    )
    wanted = lines.where(Order.number == number, Order.user_id == user_id).order_by(OrderLine.position)
    bought = [Bought(*row) for row in await connection.execute(wanted)]
    if not bought:
        raise no_order(number)
    return bought


async def has_purchased(connection: AsyncConnection, user_id: int, item_id: int) -> bool:
    """Whether the account bought the item, itself or in a bundle, and has it."""
    delivered = (
        exists()
        .where(OrderPart.order_id == Order.id, OrderPart.item_id == item_id)
        .where(Order.user_id == user_id, Order.delivered_at.is_not(None))
    )
    bought: bool | None = await connection.scalar(select(delivered))
    return bool(bought)


async def find_earliest_sale(connection: AsyncConnection, item_ids: Sequence[int]) -> datetime | None:
    """When all of these items may leave the shop; None: at any time."""
    latest = select(func.max(StockLevel.on_sale_at)).where(StockLevel.item_id.in_(item_ids))
    moment: datetime | None = await connection.scalar(latest)
    return moment


def _owned(user_id: int | None) -> Sequence[ColumnElement[bool]]:
    return () if user_id is None else (Order.user_id == user_id,)


def _conditions(query: StaffOrderFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        getattr(Order, name) == getattr(query, name)
        for name in ("status", "payment_status", "fulfilment_status", "user_id", "number")
        if getattr(query, name) is not None
    ]
    if query.created_from is not None:
        conditions.append(Order.created_at >= query.created_from)
    if query.created_before is not None:
        conditions.append(Order.created_at < query.created_before)
    if query.item_id is not None:
        with_item = select(OrderLine.order_id).where(OrderLine.item_id == query.item_id)
        conditions.append(Order.id.in_(with_item))
    return conditions
