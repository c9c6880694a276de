"""Tasks in the background end, whatever becomes of a cancellation."""

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from app.core.events.broker import EventBroker
from app.core.tasks import end_tasks
from devstack import Servers


async def test_a_task_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost = []

    async def listen() -> None:
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost.append("once")
                if len(lost) > 1:
                    raise

    tasks = [asyncio.create_task(listen())]
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end_tasks(tasks)
    assert tasks[0].cancelled()
    assert len(lost) == 2


async def test_a_task_that_has_failed_is_over() -> None:
    async def fail() -> None:
        raise ValueError

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    await end_tasks([task])
    assert isinstance(task.exception(), ValueError)


class LosingRedis(Redis):
    """As redis-py where its own read timeout meets a cancellation."""

    async def xreadgroup(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().xreadgroup(*args, **kwargs)
        except asyncio.CancelledError:
            return []


async def test_a_queue_that_loses_a_cancellation_is_left_all_the_same(servers: Servers) -> None:
    """Else its worker never stops."""
    broker = EventBroker(LosingRedis.from_url(servers.redis_url), "test:queue", lease=5, count=1)
    await broker.startup()
    waiting = asyncio.ensure_future(anext(broker.listen()))
    await asyncio.sleep(0.2)
    waiting.cancel()
    ended, _ = await asyncio.wait([waiting], timeout=10)
    assert ended
    with pytest.raises((asyncio.CancelledError, StopAsyncIteration)):
        waiting.result()
    await broker.shutdown()
