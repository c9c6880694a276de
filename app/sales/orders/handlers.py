"""What other systems hear of orders: the Redis stream `orders`."""

import orjson

from app.core.events.events import Delivery, HandlerContext, delivers
from app.sales.orders.events import OrderCreated

STREAM = "orders"
MOST_KEPT = 10_000
"""Entries that the stream keeps, more or less: Redis trims whole blocks, which costs next to nothing."""


@delivers(OrderCreated)
async def add_to_stream(context: HandlerContext, event: OrderCreated, _delivery: Delivery) -> None:
    """Append the order: once at least, twice when the worker is killed right after it."""
    entry = {"event": event.type, "order_id": event.order_id, "total": float(event.total)}
    await context.redis.xadd(STREAM, {"data": orjson.dumps(entry)}, maxlen=MOST_KEPT, approximate=True)
