"""The worker: relays events from the outbox to Redis Streams, and works on what comes out of them.

The row in the outbox is the truth and the stream only transport: an event is done when the
transaction of its handlers committed, whatever became of the message. So Redis may lose
everything, and a worker may be killed anywhere: the row is queued again.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    nullcontext,
    suppress,
)
from time import monotonic
from typing import Any

import structlog
from prometheus_client import start_http_server
from sqlalchemy.ext.asyncio import AsyncSession
from taskiq.acks import AcknowledgeType
from taskiq.receiver import Receiver

from app import __version__, registry
from app.core.cache.bus import CacheBus
from app.core.cache.hot import HotCache
from app.core.clock import set_shop_zone, utc_now
from app.core.currencies import set_shop_currency
from app.core.db.engine import Database
from app.core.db.slow import SlowStatements
from app.core.db.transaction import transaction
from app.core.events import outbox
from app.core.events.broker import EventBroker, make_broker
from app.core.events.events import (
    CHANNEL,
    Delivery,
    HandlerContext,
    PermanentFailure,
    RetryAfter,
    run_external,
    run_transactional,
)
from app.core.events.feed import live_channel, sequence_events
from app.core.events.jobs import open_slots
from app.core.events.stream import queue_name
from app.core.logging import configure_logging, request_id_var
from app.core.mail import make_mailer
from app.core.metrics import BACKUP_INTERVAL, EVENT_ATTEMPTS, EVENT_DURATION
from app.core.observers import report_fault, start_observers
from app.core.outbound import Outbound
from app.core.redaction import fault_line
from app.core.redis import make_cache_redis, make_redis, warn_of_policies
from app.core.settings.settings import Settings
from app.core.storage.storage import StorageHolder
from app.core.tasks import end_tasks
from app.messaging.webhooks.sending.measuring import MEASURE_EVERY, measure_webhooks
from app.messaging.webhooks.sending.sender import WebhookSender
from app.ops.publisher import publishing

MOST_QUEUED = 100
"""Messages in the stream at once; what is beyond waits in the outbox, where it is safe and counted."""
POLL_EVERY = 1.0
"""Seconds after which the relay looks without having been woken: for retries, and lost notifications."""
TICK = 10.0
"""Seconds between two looks of the scheduler; a slot opens that late at most."""
FINISH_WITHIN = 20.0
"""Seconds that work under way gets to end after the signal to stop."""

_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_log = structlog.get_logger(__name__)


class _AttemptLost(Exception):
    """This attempt took so long that another one took the event over: nothing of it may stay."""


class Worker:
    """Relay, receiver and heartbeat of one process."""

    def __init__(self, settings: Settings) -> None:
        registry.load_handlers()
        set_shop_zone(settings.shop_time_zone)
        set_shop_currency(settings.currency)
        self._settings = settings
        self._limits = settings.worker
        self._metrics_port = settings.worker.metrics_port if settings.enable_metrics else None
        self._database = Database(settings.database)
        self._slow_statements = SlowStatements(self._database, settings.log.slow_statement)
        self._observers = start_observers(settings, __version__)
        self._redis = make_redis(settings.redis)
        self._cache_redis = make_cache_redis(settings.redis, self._redis)
        bus = CacheBus(self._cache_redis, self._database.identity, settings.cache.shared_ttl)
        self._cache = HotCache(bus, settings.cache)
        storage = StorageHolder(settings.storage)
        self._outside = HandlerContext(
            self._transaction,
            make_mailer(settings),
            settings,
            storage,
            self._redis,
            Outbound(settings.outbound),
        )
        self._running: dict[Delivery, asyncio.Task[Any] | None] = {}
        self._woken = asyncio.Event()
        self._written = asyncio.Event()
        self._stopping = asyncio.Event()
        self._sender = WebhookSender(self._outside, self._stopping)
        self._opening = asyncio.Lock()
        self._queue: EventBroker | None = None

    async def run(self, *, is_scheduling: bool) -> None:
        """Work until `stop`; then finish what is under way."""
        self._cache.start()
        loops = [self._relay, self._sequence, self._renew]
        if is_scheduling:
            loops.append(self._schedule)
        if self._metrics_port is not None:
            loops.append(self._measure)
        tasks = [asyncio.create_task(self._persist(loop)) for loop in loops]
        await warn_of_policies(self._settings.redis, self._redis, self._cache_redis)
        _log.info("worker_started", concurrency=self._limits.concurrency)
        async with self._showing_metrics():
            await asyncio.gather(self._persist(self._receive), self._persist(self._sender.run))
        await end_tasks(tasks)
        await self.close()
        _log.info("worker_stopped")

    async def schedule(self) -> None:
        """Open slots until `stop`, and nothing else."""
        self._cache.start()
        task = asyncio.create_task(self._persist(self._schedule))
        _log.info("scheduler_started")
        async with self._showing_metrics():
            await self._stopping.wait()
        await end_tasks([task])
        await self.close()

    def stop(self) -> None:
        """Take nothing new."""
        self._stopping.set()
        self._sender.wake()

    async def close(self) -> None:
        """Close every connection."""
        await self._cache.stop()
        if self._queue is not None:
            await self._queue.shutdown()
        await self._cache_redis.aclose()
        await self._redis.aclose()
        await self._database.close()
        await self._observers.aclose()

    @asynccontextmanager
    async def _showing_metrics(self) -> AsyncIterator[None]:
        """Serve what this process counts, from a thread, on a port of its own where one is set."""
        if self._metrics_port is None:
            yield
            return
        BACKUP_INTERVAL.labels("dump").set(self._settings.backup.interval)
        server, thread = start_http_server(self._metrics_port, self._limits.metrics_host)
        try:
            async with publishing(self._database, self._cache):
                yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def _transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        return transaction(self._database, self._cache)

    async def _open_queue(self) -> EventBroker:
        """Relay and receiver share it; its name is only known once PostgreSQL answers."""
        async with self._opening:
            if self._queue is None:
                name = await queue_name(self._database)
                self._queue = make_broker(self._settings, name, self.work_on)
        return self._queue

    async def _receive(self) -> None:
        receiver = Receiver(
            await self._open_queue(),
            max_async_tasks=self._limits.concurrency,
            ack_type=AcknowledgeType.WHEN_EXECUTED,
            wait_tasks_timeout=FINISH_WITHIN,
        )
        await receiver.listen(self._stopping)

    async def _relay(self) -> None:
        """Queue what is due, whenever woken by a commit, by finished work, or by the clock."""
        queue = await self._open_queue()
        async with self._listening():
            while True:
                self._woken.clear()
                room = MOST_QUEUED - await self._redis.xlen(queue.queue_name)
                if room > 0:
                    async with self._transaction() as session:
                        due = await outbox.claim(session, room, self._limits.lease)
                    await self._enqueue(queue, due)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), POLL_EVERY)

    async def _enqueue(self, queue: EventBroker, due: Sequence[int]) -> None:
        queued = 0
        try:
            for event_id in due:
                await queue.enqueue(event_id)
                queued += 1
        except Exception:
            async with self._transaction() as session:
                await outbox.release(session, due[queued:])
            raise

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        if self._database.is_pooled:
            # Nobody can listen behind a pooler: the relay then looks as often as it does anyway.
            yield
            return
        async with self._database.reading() as connection:
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.add_listener(CHANNEL, self._hear)
            try:
                yield
            finally:
                with suppress(Exception):
                    await raw.remove_listener(CHANNEL, self._hear)

    def _hear(self, *_: object) -> None:
        """Something was committed."""
        self._written.set()
        self._woken.set()
        self._sender.wake()

    async def _sequence(self) -> None:
        """Give what was committed its place in the feed, and say so to whoever listens."""
        channel = await live_channel(self._database)
        while True:
            self._written.clear()
            async with self._transaction() as session:
                sequenced = await sequence_events(session)
            if sequenced is not None:
                await self._redis.publish(channel, f"{sequenced.first} {sequenced.last}")
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), POLL_EVERY)

    async def work_on(self, event_id: int) -> None:
        """Make one attempt at one event. Never fails for the event's sake: the outbox records the failure."""
        async with self._transaction() as session:
            delivery = await outbox.start(session, event_id, self._limits.lease)
        if delivery is None:
            return
        token = request_id_var.set(delivery.request_id)
        self._running[delivery] = asyncio.current_task()
        try:
            with self._traced(delivery):
                await self._attempt(delivery)
        finally:
            del self._running[delivery]
            request_id_var.reset(token)
            self._woken.set()

    def _traced(self, delivery: Delivery) -> AbstractContextManager[object]:
        provider = self._observers.tracer_provider
        if provider is None:
            return nullcontext()
        tracer = provider.get_tracer("bookstore.worker")
        return tracer.start_as_current_span(f"event {delivery.type}", record_exception=False)

    async def _attempt(self, delivery: Delivery) -> None:
        attempted = {"type": delivery.type, "event_id": delivery.id, "attempt": delivery.attempt}
        outcome = "done"
        started = monotonic()
        try:
            await run_external(self._outside, delivery)
            async with self._transaction() as session:
                await run_transactional(session, delivery)
                if not await outbox.finish(session, delivery):
                    raise _AttemptLost
        except _AttemptLost:
            outcome = "overtaken"
            _log.warning("event_overtaken", **attempted)
        except RetryAfter as pause:
            outcome = "postponed"
            await self._postpone(delivery, pause.delay)
        except PermanentFailure as fault:
            outcome = "dead"
            await self._give_up(delivery, fault)
        except Exception as fault:  # noqa: BLE001 - whatever a handler raises is a failed attempt
            _log.warning("event_failed", error=fault, exc_info=fault, **attempted)
            if delivery.attempt >= self._limits.attempts:
                outcome = "dead"
                await self._give_up(delivery, fault)
            else:
                outcome = "postponed"
                await self._postpone(delivery)
        finally:
            EVENT_ATTEMPTS.labels(delivery.type, outcome).inc()
            EVENT_DURATION.labels(delivery.type).observe(monotonic() - started)

    async def _postpone(self, delivery: Delivery, delay: float | None = None) -> None:
        async with self._transaction() as session:
            await outbox.postpone(session, delivery, delay)

    async def _give_up(self, delivery: Delivery, fault: Exception) -> None:
        _log.error("event_is_dead_letter", type=delivery.type, event_id=delivery.id, error=fault)
        report_fault(fault)
        async with self._transaction() as session:
            await outbox.dead_letter(session, delivery, fault_line(fault))

    async def _renew(self) -> None:
        """Keep the locks on what is being worked on."""
        while True:
            await asyncio.sleep(self._limits.lease / 3)
            if self._running:
                async with self._transaction() as session:
                    await outbox.renew(session, tuple(self._running), self._limits.lease)

    async def _measure(self) -> None:
        while True:
            await measure_webhooks(self._database)
            await asyncio.sleep(MEASURE_EVERY)

    async def _schedule(self) -> None:
        while True:
            async with self._transaction() as session:
                opened = await open_slots(session, utc_now())
            if opened:
                _log.info("slots_opened", jobs=opened)
            await asyncio.sleep(TICK)

    async def _persist(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Run the loop until it ends by itself or all is over; after a fault again, with growing pauses."""
        pause = _SHORTEST_PAUSE
        while not self._stopping.is_set():
            started = monotonic()
            try:
                await loop()
            except Exception as fault:  # noqa: BLE001 - the worker outlives every fault of what it needs
                if monotonic() - started > _LONGEST_PAUSE:
                    pause = _SHORTEST_PAUSE
                cause: BaseException = fault
                while isinstance(cause, BaseExceptionGroup):
                    cause = cause.exceptions[0]
                _log.warning("worker_loop_failed", loop=loop.__name__, error=cause)
            else:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def run_worker(settings: Settings, *, is_scheduling: bool = False) -> None:
    """Work until a stop signal comes. Raises SettingsError."""
    _run(settings, lambda worker: worker.run(is_scheduling=is_scheduling))


def run_scheduler(settings: Settings) -> None:
    """Open the slots of scheduled jobs until a stop signal comes. Raises SettingsError."""
    _run(settings, lambda worker: worker.schedule())


def _run(settings: Settings, work: Callable[[Worker], Awaitable[None]]) -> None:
    configure_logging(settings.log, settings.secret_values())
    logging.getLogger("taskiq").setLevel(logging.WARNING)

    async def until_stopped() -> None:
        worker = Worker(settings)
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, worker.stop)
        await work(worker)

    asyncio.run(until_stopped())
