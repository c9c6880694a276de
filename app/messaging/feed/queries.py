"""Reads the feed as somebody may hear it."""

from sqlalchemy import ColumnElement, and_, or_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import OutboxEvent
from app.core.events.feed import feed_bounds, read_feed
from app.messaging.audience import ALL_TYPES, OWN_TYPES, PUBLIC_TYPES, matches
from app.messaging.feed.errors import EventsExpired
from app.messaging.feed.schemas import FeedOut, FeedQuery
from app.messaging.public_events import envelope

MOST_LOOKED_AT = 20_000
"""Places that one request goes through: whoever is concerned by few of them asks more than once."""


def audible(user_id: int | None) -> ColumnElement[bool]:
    """What the account may hear of; None: everything in the catalogue."""
    if user_id is None:
        return OutboxEvent.type.in_(ALL_TYPES)
    own = and_(OutboxEvent.type.in_(OWN_TYPES), OutboxEvent.user_id == user_id)
    return or_(OutboxEvent.type.in_(PUBLIC_TYPES), own)


async def read_events(session: AsyncSession, query: FeedQuery, user_id: int | None) -> FeedOut:
    """The next events for the account (None: whomever they concern). Raises EventsExpired."""
    # Before the events: a place that is given meanwhile is left for the next request.
    oldest, last = await feed_bounds(session)
    after = oldest - 1 if query.after is None else query.after
    if after < oldest - 1:
        raise EventsExpired(f"The oldest event that is kept has the place {oldest}.", oldest=oldest)
    until = min(last, after + MOST_LOOKED_AT)
    wanted = [audible(user_id), OutboxEvent.sequence <= until]
    if query.type != "*":
        wanted.append(OutboxEvent.type.in_([name for name in ALL_TYPES if matches([query.type], name)]))
    if query.subject is not None:
        wanted.append(OutboxEvent.subject == query.subject)
    found = await read_feed(session, after, query.limit, *wanted)
    is_full = len(found) == query.limit
    next_after = found[-1].sequence if is_full else max(after, until)
    told = [event for each in found if (event := envelope(each)) is not None]
    return FeedOut(items=told, next_after=next_after, has_more=next_after < last, oldest=oldest, last=last)
