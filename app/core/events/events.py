"""Domain events: written to the outbox in the business transaction, relayed by the worker.

An event is a frozen dataclass of JSON values, without secrets: it stays in the database.
Delivery is at least once. A handler made with `handles` runs in the transaction that marks
the event done, so that what it writes is written once; one made with `delivers` reaches the
outside, in transactions of its own, and is idempotent by the event's id.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import orjson
from sqlalchemy import Index, Integer, Select, func, literal, select, text
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.driver import fetch, remember_xid
from app.core.db.models import Base, Id
from app.core.http.request_info import current_request_id
from app.core.mail import Mailer
from app.core.outbound import Outbound
from app.core.redis import RedisClient
from app.core.settings.settings import Settings
from app.core.storage.storage import StorageHolder

CHANNEL = "outbox"
"""The NOTIFY channel that wakes the relay when the transaction commits."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. A subclass sets `type`, a stable name such as `user.registered`.

    One that others may hear of says what it is about: it gets its place in the feed (`core.events.feed`).
    """

    type: ClassVar[str]

    @property
    def subject(self) -> str | None:
        """What it is about, as `order:BK-…`; None: the shop's own affair, which is shown to nobody."""
        return None

    @property
    def concerns(self) -> int | None:
        """The account whose affair it is, if it is one's."""
        return None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt at handling an event; `attempt` is also the fence against a worker that was too slow."""

    id: int
    attempt: int
    type: str
    payload: dict[str, Any] = field(hash=False)
    request_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class HandlerContext:
    """What a handler that reaches the outside works with."""

    transaction: Callable[[], AbstractAsyncContextManager[AsyncSession]]
    mailer: Mailer
    settings: Settings
    storage: StorageHolder
    redis: RedisClient
    outbound: Outbound


class PermanentFailure(Exception):
    """Trying again cannot help: the event becomes a dead letter at once.

    Of what is not there it is one where something is owed, as an invoice; else there is nothing to do, and it is done.
    """

    is_log_safe = True


class RetryAfter(Exception):
    """Not now: try again after `delay` seconds, however often that was."""

    is_log_safe = True

    def __init__(self, reason: str, delay: float) -> None:
        super().__init__(reason)
        self.delay = delay


E = TypeVar("E", bound=Event)
TransactionalHandler = Callable[[AsyncSession, E, Delivery], Awaitable[None]]
ExternalHandler = Callable[[HandlerContext, E, Delivery], Awaitable[None]]

_classes: dict[str, type[Event]] = {}
_inside: dict[str, list[TransactionalHandler[Any]]] = defaultdict(list)
_outside: dict[str, list[ExternalHandler[Any]]] = defaultdict(list)


def handles(event: type[E]) -> Callable[[TransactionalHandler[E]], TransactionalHandler[E]]:
    """Register a handler that touches the database alone."""

    def register(handler: TransactionalHandler[E]) -> TransactionalHandler[E]:
        _classes[event.type] = event
        _inside[event.type].append(handler)
        return handler

    return register


def delivers(event: type[E]) -> Callable[[ExternalHandler[E]], ExternalHandler[E]]:
    """Register a handler that talks to another server, and so to nobody inside a transaction."""

    def register(handler: ExternalHandler[E]) -> ExternalHandler[E]:
        _classes[event.type] = event
        _outside[event.type].append(handler)
        return handler

    return register


async def run_external(outside: HandlerContext, delivery: Delivery) -> None:
    """Run the handlers that reach out, one after the other."""
    for handler in _outside.get(delivery.type, ()):
        await handler(outside, _event(delivery), delivery)


async def run_transactional(session: AsyncSession, delivery: Delivery) -> None:
    """Run the handlers that share the transaction; an event that interests nobody has none."""
    for handler in _inside.get(delivery.type, ()):
        await handler(session, _event(delivery), delivery)


def _event(delivery: Delivery) -> Event:
    event_class = _classes[delivery.type]
    # While a release is rolled out its events, which may say more, come to workers of the one before.
    known = {one.name for one in fields(event_class)}
    return event_class(**{name: value for name, value in delivery.payload.items() if name in known})


class OutboxEvent(Base):
    """An event on its way: `available_at` is when the relay queues it (again), `locked_until`
    when a worker may start on it (again), `attempts` how often one did.

    What has a `subject` is part of the feed, in the order of `sequence`, which the worker gives after the commit.
    """

    __tablename__ = "outbox_events"

    id: Mapped[Id]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    locked_until: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    done_at: Mapped[datetime | None]
    subject: Mapped[str | None]
    user_id: Mapped[int | None]
    sequence: Mapped[int | None]

    __table_args__ = (
        Index("ix_outbox_events_sequence", "sequence", unique=True),
        Index(
            "ix_outbox_events_unsequenced",
            "id",
            postgresql_where=text("subject IS NOT NULL AND sequence IS NULL"),
        ),
        Index(
            "ix_outbox_events_subject", "subject", "sequence", postgresql_where=text("subject IS NOT NULL")
        ),
        Index(
            "ix_outbox_events_user_id", "user_id", "sequence", postgresql_where=text("user_id IS NOT NULL")
        ),
        Index("ix_outbox_events_pending", "available_at", "id", postgresql_where=text("done_at IS NULL")),
        Index("ix_outbox_events_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )


class DeadLetter(Base):
    """An event that its handlers refused too often, with the last reason."""

    __tablename__ = "dead_letters"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    error: Mapped[str]
    created_at: Mapped[datetime]
    died_at: Mapped[datetime] = mapped_column(server_default=func.now())


_PUBLISH = """
    WITH written AS (
        INSERT INTO outbox_events (type, payload, request_id, subject, user_id) VALUES ($1, $2, $3, $4, $5)
    )
    SELECT pg_notify($6, ''), pg_current_xact_id()::text AS xid
"""


async def publish(session: AsyncSession, event: Event, request_id: str = "") -> None:
    """Write the event with the transaction: it leaves if, and only if, the transaction commits."""
    payload = orjson.dumps(asdict(event)).decode()
    origin = request_id or current_request_id()
    await session.flush()
    about = (event.subject, event.concerns)
    [published] = await fetch(session, _PUBLISH, event.type, payload, origin, *about, CHANNEL)
    remember_xid(session, published["xid"])


async def publish_each(session: AsyncSession, event: type[Event], payloads: Select[Any]) -> int:
    """Write an event for each row that the statement finds, whose one column is the payload; how many.

    For those that are the shop's own affair: what has a subject is published one by one.
    """
    found = payloads.subquery()
    [payload] = found.c
    rows = select(literal(event.type), payload, literal(current_request_id()))
    written = insert(OutboxEvent).from_select(["type", "payload", "request_id"], rows)
    count = len((await session.scalars(written.returning(OutboxEvent.id))).all())
    if count:
        await session.execute(select(func.pg_notify(CHANNEL, "")))
    return count
