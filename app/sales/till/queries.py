"""Reads what the till asks for."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.sales.cart.queries import find_goods
from app.sales.errors import no_order
from app.sales.models import Order, OrderEvent
from app.sales.orders.queries import get_order
from app.sales.scanning.queries import find_scanned
from app.sales.till.schemas import SaleOut, ScanOut

SOLD = "sold"
"""The kind of the entry in the timeline that says how a sale was paid."""


async def scan(connection: AsyncConnection, code: str, currency: str) -> ReadResult:
    """Find the item of a code. Raises CodeNotFound."""
    [found] = await find_scanned(connection, {"code": code})
    [goods] = await find_goods(connection, [found.item_id])
    shown = ScanOut(
        item_id=goods.item_id,
        kind=goods.kind,
        title=goods.title,
        isbn=goods.isbn,
        sku=goods.sku,
        unit_price=goods.price,
        currency=goods.currency,
        available=goods.available,
        is_for_sale=goods.is_for_sale(currency),
        add_on=found.add_on,
    )
    return ReadResult(shown, str(await connection.scalar(select(snapshot_text))))


async def get_sale(connection: AsyncConnection, number: str) -> ReadResult:
    """Read a sale at the counter. Raises OrderNotFound."""
    sold = select(OrderEvent.data, OrderEvent.actor_id).join(Order, Order.id == OrderEvent.order_id)
    row = (
        await connection.execute(sold.where(Order.number == number, OrderEvent.kind == SOLD))
    ).one_or_none()
    if row is None:
        raise no_order(number)
    order = await get_order(connection, number)
    paid = {**row.data, "receipt_number": number, "cashier_id": row.actor_id}
    return ReadResult(
        SaleOut.model_validate({**order.model.model_dump(), **paid}), order.snapshot, order.etag
    )
