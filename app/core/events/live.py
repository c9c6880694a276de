"""Hearing what processes tell each other over Redis, until it is away for a moment: then something may be missed."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio.client import PubSub

from app.core.redis import RedisClient

_PING_EVERY = 1.0
"""Seconds of silence after which Redis is pinged; twice that without an answer is a lost Redis."""


async def hear(
    redis: RedisClient,
    channels: Sequence[str],
    begin: Callable[[], Awaitable[None]],
    take: Callable[[str, bytes], Awaitable[None]],
) -> None:
    """Subscribe, call `begin`, and from then on `take` with each channel and message. Ends by raising a fault of Redis."""
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(*channels)
        for _ in channels:
            message = await pubsub.get_message(timeout=_PING_EVERY)
            if message is None or message["type"] != "subscribe":
                raise ConnectionError("Redis did not confirm the subscription")
        await begin()
        await _take_all(pubsub, take)


async def _take_all(pubsub: PubSub, take: Callable[[str, bytes], Awaitable[None]]) -> None:
    is_pinged = False
    while True:
        message: dict[str, Any] | None = await pubsub.get_message(timeout=_PING_EVERY)
        if message is None:
            if is_pinged:
                raise ConnectionError("Redis stopped answering")
            await pubsub.ping()
            is_pinged = True
            continue
        is_pinged = False
        if message["type"] == "message":
            await take(message["channel"].decode(), message["data"])
        elif message["type"] == "subscribe":
            # The client reconnected by itself.
            raise ConnectionError("Redis was away for a moment")
