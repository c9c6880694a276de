"""What other systems hear of orders: the Redis stream `orders`."""

import json

from fastapi import FastAPI

from app.sales.orders.events import OrderCreated
from app.sales.orders.handlers import MOST_KEPT, STREAM
from tests.messaging.conftest import Mailed
from tests.worker.conftest import Change

CREATED = OrderCreated(7, "ORD-02387461", "33.14", "EUR", user_id=1)
AGAIN = "UPDATE outbox_events SET done_at = NULL, locked_until = now(), available_at = now() WHERE type = 'order.created'"


async def test_an_order_is_in_the_stream_once_for_each_time_it_is_delivered(
    mailed: Mailed, live_app: FastAPI, change: Change
) -> None:
    redis = live_app.state.redis
    await mailed(CREATED)
    [(_, entry)] = await redis.xrange(STREAM)
    assert {name: json.loads(value) for name, value in entry.items()} == {
        b"data": {"event": "order.created", "order_id": 7, "total": 33.14}
    }
    await change(AGAIN)
    await mailed(None)
    assert await redis.xlen(STREAM) == 2


async def test_the_stream_is_trimmed(mailed: Mailed, live_app: FastAPI) -> None:
    redis = live_app.state.redis
    async with redis.pipeline(transaction=False) as pipe:
        for _ in range(MOST_KEPT + 1_000):
            pipe.xadd(STREAM, {"data": "{}"})
        await pipe.execute()
    await mailed(CREATED)
    assert MOST_KEPT <= await redis.xlen(STREAM) < MOST_KEPT + 500
