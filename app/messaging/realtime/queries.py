"""What streams ask of the database: whose orders those are, and who may still listen."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, String, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import utc_now
from app.core.events.events import OutboxEvent
from app.core.events.feed import FeedEvent, read_feed
from app.identity.authentication.queries import is_under_way, key_ends_at
from app.identity.models import ApiKey, AuthSession, User
from app.identity.permissions import Role
from app.messaging.realtime.channels import Channel, Kind, names_in
from app.sales.models import Order


class Standing(NamedTuple):
    """A session or key that is in force, and its owner's role now."""

    id: str
    role: Role


async def list_own_orders(
    connection: AsyncConnection, numbers: Collection[str], user_id: int
) -> Sequence[str]:
    """Which of these orders are the account's."""
    own = select(Order.number).where(Order.number.in_(numbers), Order.user_id == user_id)
    return (await connection.scalars(own)).all()


async def list_existing_orders(connection: AsyncConnection, numbers: Collection[str]) -> Sequence[str]:
    """Which of these orders there are."""
    return (await connection.scalars(select(Order.number).where(Order.number.in_(numbers)))).all()


async def list_live_sessions(connection: AsyncConnection, ids: Collection[str]) -> Sequence[Standing]:
    """Those of these sessions that are under way, of accounts that are open."""
    wanted = select(AuthSession.id.cast(String), User.role).join(User, User.id == AuthSession.user_id)
    live = wanted.where(AuthSession.id.in_([UUID(one) for one in ids]), User.is_active, *is_under_way())
    return [Standing(id_, Role(role)) for id_, role in await connection.execute(live)]


async def list_live_keys(connection: AsyncConnection, ids: Collection[int]) -> Sequence[Standing]:
    """Those of these API keys that are in force, of accounts that are open."""
    wanted = select(ApiKey.id, User.role, key_ends_at).join(User, User.id == ApiKey.user_id)
    live = wanted.where(ApiKey.id.in_(ids), ApiKey.revoked_at.is_(None), User.is_active)
    now = utc_now()
    rows = await connection.execute(live)
    return [Standing(str(id_), Role(role)) for id_, role, ends_at in rows if ends_at is None or ends_at > now]


async def list_missed(
    connection: AsyncConnection, channels: Collection[Channel], after: int, limit: int
) -> Sequence[FeedEvent]:
    """The next events after this place that these channels have, the oldest first."""
    return await read_feed(connection, after, limit, or_(*(_condition(channel) for channel in channels)))


def _condition(channel: Channel) -> ColumnElement[bool]:
    is_one_of = OutboxEvent.type.in_(sorted(names_in(channel)))
    if channel.kind is Kind.STAFF:
        return is_one_of
    if channel.kind is Kind.USER:
        return (OutboxEvent.user_id == int(channel.of)) & is_one_of
    kind = "item" if channel.kind is Kind.ITEMS else "order"
    return (OutboxEvent.subject == f"{kind}:{channel.of}") & is_one_of
