"""The outbox as the worker sees it: events are claimed, started, renewed, finished, postponed or given up.

The attempt under way has the event locked until `locked_until`, and renews that while it works. A worker
that was killed stops renewing, so another starts over; one that was only frozen finds its
attempt number out of date and can neither finish nor postpone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Interval, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.batches import delete_some
from app.core.events.events import DeadLetter, Delivery, OutboxEvent

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 3600.0
_MOST_DOUBLINGS = 12
_LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: events not done, seconds for which one of them could have been started, dead letters."""

    pending: int
    age: float
    dead_letters: int


async def claim(session: AsyncSession, most: int, lease: float) -> Sequence[int]:
    """Claim events that are due, the longest waiting first, and return their ids; they are due again after `lease` seconds."""
    due = (
        select(OutboxEvent.id)
        .where(OutboxEvent.done_at.is_(None), OutboxEvent.available_at <= func.now())
        .order_by(OutboxEvent.available_at, OutboxEvent.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    statement = (
        update(OutboxEvent)
        .where(OutboxEvent.id.in_(due.scalar_subquery()))
        .values(available_at=_in(literal(lease)))
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return sorted((await session.scalars(statement)).all())


async def release(session: AsyncSession, ids: Collection[int]) -> None:
    """Make events that could not be queued after all due at once."""
    await session.execute(update(OutboxEvent).where(OutboxEvent.id.in_(ids)).values(available_at=func.now()))


async def start(session: AsyncSession, event_id: int, lease: float) -> Delivery | None:
    """Begin the next attempt, unless the event is done, gone, being worked on or waiting after a failure."""
    statement = (
        update(OutboxEvent)
        .where(
            OutboxEvent.id == event_id, OutboxEvent.done_at.is_(None), OutboxEvent.locked_until <= func.now()
        )
        .values(attempts=OutboxEvent.attempts + 1, **_until(lease))
        .returning(OutboxEvent)
        .execution_options(synchronize_session=False)
    )
    event = (await session.scalars(statement)).one_or_none()
    if event is None:
        return None
    return Delivery(event.id, event.attempts, event.type, event.payload, event.request_id, event.created_at)


async def renew(session: AsyncSession, deliveries: Collection[Delivery], lease: float) -> None:
    """Keep the locks on what is being worked on for another `lease` seconds."""
    locked = [(delivery.id, delivery.attempt) for delivery in deliveries]
    await session.execute(
        update(OutboxEvent)
        .where(tuple_(OutboxEvent.id, OutboxEvent.attempts).in_(locked), OutboxEvent.done_at.is_(None))
        .values(**_until(lease))
        .execution_options(synchronize_session=False)
    )


async def is_ours(session: AsyncSession, delivery: Delivery) -> bool:
    """Whether this attempt still has the event locked; if so it does until the transaction ends."""
    statement = (
        select(OutboxEvent.id)
        .where(*_locked_by(delivery), OutboxEvent.locked_until > func.now())
        .with_for_update()
    )
    return await session.scalar(statement) is not None


async def finish(session: AsyncSession, delivery: Delivery) -> bool:
    """Mark the event done; False when another attempt took over, and then nothing may be committed."""
    statement = (
        update(OutboxEvent)
        .where(*_locked_by(delivery))
        .values(done_at=func.now())
        .returning(OutboxEvent.id)
        .execution_options(synchronize_session=False)
    )
    return await session.scalar(statement) is not None


async def postpone(session: AsyncSession, delivery: Delivery, delay: float | None = None) -> None:
    """Have it tried again after `delay` seconds; without, after a pause that doubles with each attempt, with jitter."""
    pause = min(_FIRST_PAUSE * 2 ** min(delivery.attempt - 1, _MOST_DOUBLINGS), _LONGEST_PAUSE)
    # Between half and the whole of the pause, so that what failed together does not come back together.
    due = _in(literal(pause) * (0.5 + func.random() / 2) if delay is None else literal(delay))
    await session.execute(
        update(OutboxEvent)
        .where(*_locked_by(delivery))
        .values(available_at=due, locked_until=due)
        .execution_options(synchronize_session=False)
    )


async def dead_letter(session: AsyncSession, delivery: Delivery, error: str) -> None:
    """Put the event with the dead letters, with the reason; in the feed it stays, for it did happen."""
    if not await finish(session, delivery):
        return
    letter = {
        "type": delivery.type,
        "payload": delivery.payload,
        "error": error[:_LONGEST_ERROR],
        "created_at": delivery.created_at,
    }
    await session.execute(insert(DeadLetter).values(id=delivery.id, **letter))


async def read_backlog(connection: AsyncConnection) -> Backlog:
    """Read how much waits, in one statement."""
    pending = select(func.count()).where(OutboxEvent.done_at.is_(None)).scalar_subquery()
    # Not since it was written: what is to be tried again at a later hour, or is being worked on, is not late.
    oldest = select(func.min(OutboxEvent.locked_until)).where(OutboxEvent.done_at.is_(None)).scalar_subquery()
    dead = select(func.count()).select_from(DeadLetter).scalar_subquery()
    age = func.coalesce(func.extract("epoch", func.clock_timestamp() - oldest), 0.0)
    row = (await connection.execute(select(pending, age, dead))).one()
    return Backlog(row[0], max(0.0, float(row[1])), row[2])


async def purge_done(session: AsyncSession, before: datetime, feed_before: datetime) -> int:
    """Delete events that were done before, those of the feed that were written before; return how many."""
    is_over = or_(OutboxEvent.subject.is_(None), OutboxEvent.created_at < feed_before)
    return await delete_some(session, OutboxEvent.id, (OutboxEvent.done_at < before) & is_over)


def _locked_by(delivery: Delivery) -> tuple[ColumnElement[bool], ...]:
    return (
        OutboxEvent.id == delivery.id,
        OutboxEvent.attempts == delivery.attempt,
        OutboxEvent.done_at.is_(None),
    )


def _in(seconds: ColumnElement[float]) -> ColumnElement[datetime]:
    return func.now() + func.make_interval(0, 0, 0, 0, 0, 0, seconds, type_=Interval)


def _until(lease: float) -> dict[str, ColumnElement[datetime]]:
    due = _in(literal(lease))
    return {"locked_until": due, "available_at": due}
