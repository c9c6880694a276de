"""Reads what stands on labels and pick lists."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.goods.errors import no_item
from app.catalog.models import Book, Item
from app.sales.errors import no_order
from app.sales.models import Order, OrderLine, OrderPart


class Labelled(NamedTuple):
    """An item as its label shows it."""

    id: int
    title: str
    sku: str | None
    price: Decimal | None
    currency: str
    isbn13: str | None


class PickedOrder(NamedTuple):
    """An order as whoever packs it needs it."""

    id: int
    number: str
    created_at: datetime
    payment_status: str
    address: dict[str, Any] | None
    shipping_option: dict[str, Any] | None
    notes: str | None


class Picked(NamedTuple):
    """So many of an item are to be packed."""

    title: str
    isbn: str | None
    sku: str | None
    quantity: int


async def list_labelled(connection: AsyncConnection, item_ids: Sequence[int]) -> list[Labelled]:
    """The items in the order in which they were asked for, as often as they were. Raises ItemNotFound."""
    wanted = (
        select(Item.id, Item.title, Item.sku, Item.price, Item.currency, Book.isbn13)
        .outerjoin(Book, Book.item_id == Item.id)
        .where(Item.id.in_(item_ids))
    )
    found = {row.id: Labelled(*row) for row in await connection.execute(wanted)}
    for item_id in item_ids:
        if item_id not in found:
            raise no_item(item_id)
    return [found[item_id] for item_id in item_ids]


async def get_picked(connection: AsyncConnection, number: str) -> tuple[PickedOrder, list[Picked]]:
    """The order, and what of it has not left, line by line, bundles by their parts. Raises OrderNotFound."""
    columns = [getattr(Order, name) for name in PickedOrder._fields]
    row = (await connection.execute(select(*columns).where(Order.number == number))).one_or_none()
    if row is None:
        raise no_order(number)
    order, left = PickedOrder(*row), OrderPart.quantity - OrderPart.shipped
    # What an item was called when it was bought; parts of bundles, by what they are called now.
    is_it = OrderLine.item_id == OrderPart.item_id
    parts = (
        select(
            func.coalesce(Item.title, OrderLine.title),
            func.coalesce(Book.isbn13, OrderLine.isbn),
            func.coalesce(Item.sku, OrderLine.sku),
            left,
        )
        .select_from(OrderPart)
        .join(OrderLine, OrderLine.id == OrderPart.line_id)
        .outerjoin(Item, (Item.id == OrderPart.item_id) & ~is_it)
        .outerjoin(Book, Book.item_id == Item.id)
        .where(OrderPart.order_id == order.id, left > 0)
        .order_by(OrderLine.position, OrderPart.item_id)
    )
    return order, [Picked(*part) for part in await connection.execute(parts)]
