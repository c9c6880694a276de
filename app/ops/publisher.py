"""Keeps the numbers that only this worker knows in the metrics, whichever worker answers the scrape."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Protocol, runtime_checkable
from weakref import WeakKeyDictionary

from app.core import buffered_metrics
from app.core.cache.hot import HotCache
from app.core.db.engine import Database
from app.core.metrics import CACHE_CONNECTED, CACHE_READS, LOOP_LAG, POOL_IN_USE, POOL_SIZE, WORKERS

EVERY = 1.0
"""Seconds; far below any scrape interval, and the work takes some twenty microseconds."""


@runtime_checkable
class _CountedPool(Protocol):
    def size(self) -> int: ...

    def checkedout(self) -> int: ...


_published: WeakKeyDictionary[HotCache, dict[str, int]] = WeakKeyDictionary()


def publish(database: Database, cache: HotCache) -> None:
    """Copy this worker's pools and cache into the metrics, and write what it counted."""
    WORKERS.set(1)
    CACHE_CONNECTED.set(cache.is_connected)
    for name, engine in database.engines().items():
        if isinstance(engine.pool, _CountedPool):
            POOL_SIZE.labels(name).set(engine.pool.size())
            POOL_IN_USE.labels(name).set(engine.pool.checkedout())
    counts = asdict(cache.counters)
    before = _published.get(cache, {})
    for tier, count in counts.items():
        CACHE_READS.labels(tier).inc(count - before.get(tier, 0))
    _published[cache] = counts
    buffered_metrics.flush()


@asynccontextmanager
async def publishing(database: Database, cache: HotCache) -> AsyncIterator[None]:
    """Publish every second while inside, and once more at the end."""
    loop = asyncio.get_running_loop()

    async def repeat() -> None:
        while True:
            publish(database, cache)
            due = loop.time() + EVERY
            await asyncio.sleep(EVERY)
            LOOP_LAG.observe(max(loop.time() - due, 0))

    task = asyncio.create_task(repeat())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        publish(database, cache)
