"""The feed: what happened to things that others may hear of, in one order without gaps.

Ids of the outbox are given before their transactions commit, so that a lower one may appear after a higher one was
read. A place in the feed is given afterwards, to what is committed, by one worker at a time: whoever read up to a
place has missed nothing before it. Of one subject the places follow the order of its changes, since whoever changes
something locks it first, and so gets its id after those who had it locked before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.driver import Connection, fetch
from app.core.db.engine import Database
from app.core.db.models import Base
from app.core.events.events import Event, OutboxEvent, publish

MOST_SEQUENCED = 1000
"""Events that get their places in one transaction."""


@dataclass(frozen=True, slots=True)
class EventsSequenced(Event):
    """The events from `first` to `last` have their places in the feed: whoever tells others of them begins now."""

    type: ClassVar[str] = "feed.events_sequenced"
    first: int
    last: int


class FeedHead(Base):
    """One row: the last place that was given. Its lock is what makes givers wait for each other."""

    __tablename__ = "feed_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int] = mapped_column(server_default="0")


class FeedEvent(NamedTuple):
    """An event with its place; `id` is that of the outbox, `user_id` the account whose affair it is."""

    sequence: int
    id: int
    type: str
    subject: str
    user_id: int | None
    payload: dict[str, Any]
    created_at: datetime


class Bounds(NamedTuple):
    """The oldest place that is kept, and the last one given; nothing is kept where `oldest` is above `last`."""

    oldest: int
    last: int


_LOCK = "SELECT last FROM feed_head FOR UPDATE SKIP LOCKED"
# A statement of its own after the lock: its snapshot sees what whoever had the lock before committed.
_SEQUENCE = """
    WITH waiting AS MATERIALIZED (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM (
            SELECT id FROM outbox_events WHERE subject IS NOT NULL AND sequence IS NULL ORDER BY id LIMIT $1
        ) AS first
    ), moved AS (
        UPDATE feed_head SET last = last + (SELECT count(*) FROM waiting) WHERE EXISTS (SELECT FROM waiting)
        RETURNING last
    ), placed AS (
        UPDATE outbox_events SET sequence = $2 + place FROM waiting WHERE outbox_events.id = waiting.id
    )
    SELECT last FROM moved
"""

_COLUMNS = (
    OutboxEvent.sequence,
    OutboxEvent.id,
    OutboxEvent.type,
    OutboxEvent.subject,
    OutboxEvent.user_id,
    OutboxEvent.payload,
    OutboxEvent.created_at,
)


async def sequence_events(session: AsyncSession) -> EventsSequenced | None:
    """Give what was committed since its places in the feed, unless somebody is at it; and say so in an event."""
    head = await fetch(session, _LOCK)
    if not head:
        return None
    before: int = head[0]["last"]
    moved = await fetch(session, _SEQUENCE, MOST_SEQUENCED, before)
    if not moved:
        return None
    sequenced = EventsSequenced(before + 1, moved[0]["last"])
    await publish(session, sequenced)
    return sequenced


async def read_feed(
    connection: AsyncConnection | AsyncSession, after: int, limit: int, *where: ColumnElement[bool]
) -> Sequence[FeedEvent]:
    """The next events after this place, the oldest first, at most so many; `where` narrows them by columns of OutboxEvent."""
    found = select(*_COLUMNS).where(OutboxEvent.sequence > after, *where)
    rows = await connection.execute(found.order_by(OutboxEvent.sequence).limit(limit))
    return [FeedEvent(*row) for row in rows]


async def feed_bounds(connection: Connection) -> Bounds:
    """What of the feed is kept."""
    last = select(FeedHead.last).scalar_subquery()
    oldest = select(func.min(OutboxEvent.sequence)).scalar_subquery()
    row = (await connection.execute(select(oldest, last))).one()
    newest = row[1] or 0
    return Bounds(newest + 1 if row[0] is None else row[0], newest)


async def live_channel(database: Database) -> str:
    """Name the channel of Redis on which `<first> <last>` says which places were just given."""
    return f"bookstore:live:{await database.identity()}"
