"""The stream between relay and workers: Taskiq on Redis Streams, acknowledged after execution."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Any

import structlog
from redis.exceptions import ResponseError
from taskiq import AckableMessage, AsyncBroker, BrokerMessage

from app.core.redis import REDIS_FAULTS, RedisClient, make_redis
from app.core.settings.settings import Settings

_TASK = "event"
_GROUP = "workers"
_CONSUMER = "worker"
"""One name for all: who took a message does not matter, and names of processes that are gone would pile up in Redis."""
_BLOCK_MS = 1000
_GROUP_IS_THERE = "BUSYGROUP"
_log = structlog.get_logger(__name__)


class EventBroker(AsyncBroker):
    """A stream that is emptied as it is worked off, so that its length is the queue's depth.

    Not taskiq-redis's: its broker for a Cluster never takes up what a killed worker left, the one for Sentinels and
    that for one server do so only when something new arrives.
    """

    def __init__(self, redis: RedisClient, queue_name: str, *, lease: float, count: int) -> None:
        super().__init__()
        self._redis = redis
        self.queue_name = queue_name
        self._lease_ms = int(lease * 1000)
        self._count = count

    async def startup(self) -> None:
        """Make the stream and its group, unless they are there."""
        await super().startup()
        try:
            await self._redis.xgroup_create(self.queue_name, _GROUP, id="0", mkstream=True)
        except ResponseError as refusal:
            if not str(refusal).startswith(_GROUP_IS_THERE):
                raise

    async def shutdown(self) -> None:
        """Close the connections."""
        await super().shutdown()
        await self._redis.aclose()

    async def enqueue(self, event_id: int) -> None:
        """Put one event into the stream."""
        task = self.find_task(_TASK)
        if task is None:
            raise LookupError(_TASK)
        await task.kiq(event_id)

    async def kick(self, message: BrokerMessage) -> None:
        """Append a message of Taskiq's."""
        await self._redis.xadd(self.queue_name, {b"data": message.message})

    async def listen(self) -> AsyncGenerator[AckableMessage, None]:
        """Yield what was left by workers that were killed, then what is new, until it is cancelled."""
        # Each message is waited for by a task of its own. It is asked as well, since a cancellation that meets redis-py's
        # own read timeout is lost in it.
        while (reader := asyncio.current_task()) is None or not reader.cancelling():
            _, left, *_ = await self._redis.xautoclaim(
                self.queue_name, _GROUP, _CONSUMER, min_idle_time=self._lease_ms, count=self._count
            )
            for message in self._ackable(left):
                yield message
            # Typed for every form that an answer may be asked in.
            found: Any = await self._redis.xreadgroup(
                _GROUP, _CONSUMER, {self.queue_name: ">"}, count=self._count, block=_BLOCK_MS
            )
            for _, entries in found:
                for message in self._ackable(entries):
                    yield message

    def _ackable(self, entries: Iterable[Any]) -> Iterable[AckableMessage]:
        for entry_id, fields in entries:
            yield AckableMessage(data=fields[b"data"], ack=self._acknowledgement(entry_id))

    def _acknowledgement(self, entry_id: bytes) -> Callable[[], Awaitable[None]]:
        async def acknowledge() -> None:
            try:
                pipeline = self._redis.pipeline()
                pipeline.xack(self.queue_name, _GROUP, entry_id)
                pipeline.xdel(self.queue_name, entry_id)
                await pipeline.execute()
            except REDIS_FAULTS as fault:
                # The message comes again, and finds its event done.
                _log.warning("acknowledgement_lost", error=fault)

        return acknowledge


def make_broker(settings: Settings, name: str, work_on: Callable[[int], Awaitable[None]]) -> EventBroker:
    """Make a broker on the stream; messages of a worker that was killed come again after its lease."""
    broker = EventBroker(
        make_redis(settings.redis, blocks=_BLOCK_MS / 1000),
        name,
        lease=settings.worker.lease,
        count=settings.worker.concurrency,
    )

    async def work_on_event(event_id: int) -> None:
        await work_on(event_id)

    broker.register_task(work_on_event, task_name=_TASK)
    return broker
