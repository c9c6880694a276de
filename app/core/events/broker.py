"""The stream between relay and workers: Taskiq on Redis Streams, acknowledged after execution."""

from collections.abc import Awaitable, Callable

import structlog
from redis.asyncio import Redis
from taskiq_redis import RedisStreamBroker

from app.core.redis import REDIS_FAULTS
from app.core.settings.settings import Settings

_TASK = "event"
_GROUP = "workers"
_BLOCK_MS = 1000
_log = structlog.get_logger(__name__)


class EventBroker(RedisStreamBroker):
    """Taskiq's stream, emptied as it is worked off, so that its length is the queue's depth."""

    def _ack_generator(self, id: str, queue_name: str) -> Callable[[], Awaitable[None]]:  # noqa: A002 - the library calls it by these names
        async def acknowledge() -> None:
            try:
                async with Redis(connection_pool=self.connection_pool) as redis:
                    pipeline = redis.pipeline()
                    pipeline.xack(queue_name, self.consumer_group_name, id)
                    pipeline.xdel(queue_name, id)
                    await pipeline.execute()
            except REDIS_FAULTS as fault:
                # The message comes again, and finds its event done.
                _log.warning("acknowledgement_lost", error=fault)

        return acknowledge

    async def enqueue(self, event_id: int) -> None:
        """Put one event into the stream."""
        task = self.find_task(_TASK)
        if task is None:
            raise LookupError(_TASK)
        await task.kiq(event_id)


def make_broker(settings: Settings, name: str, work_on: Callable[[int], Awaitable[None]]) -> EventBroker:
    """Make a broker on the stream; messages of a worker that was killed come again after its lease."""
    broker = EventBroker(
        settings.redis.url.get_secret_value(),
        queue_name=name,
        consumer_group_name=_GROUP,
        consumer_id="0",
        max_connection_pool_size=settings.worker.concurrency + 4,
        xread_count=settings.worker.concurrency,
        xread_block=_BLOCK_MS,
        idle_timeout=int(settings.worker.lease * 1000),
        unacknowledged_lock_timeout=settings.worker.lease,
        socket_connect_timeout=settings.redis.timeout,
        socket_timeout=settings.redis.timeout + _BLOCK_MS / 1000,
        # The library reads the answers of RESP2; redis-py 8 would speak RESP3.
        protocol=2,
    )

    async def work_on_event(event_id: int) -> None:
        await work_on(event_id)

    broker.register_task(work_on_event, task_name=_TASK)
    return broker
