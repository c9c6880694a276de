"""Which of the channels that somebody names they may hear."""

from collections.abc import Sequence

from app.core.db.engine import Database
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.messaging.realtime.channels import Channel, Kind, may_hear, read_channel
from app.messaging.realtime.errors import ChannelNotFound
from app.messaging.realtime.queries import list_existing_orders, list_own_orders


async def find_channels(database: Database, caller: Principal, names: Sequence[str]) -> Sequence[Channel]:
    """The channels of these names, each once. Raises ChannelNotFound for one that is not the caller's to hear."""
    channels: dict[Channel, None] = {}
    for name in names:
        channel = read_channel(name, caller.user_id)
        if channel is None:
            raise _no_channel(name)
        channels[channel] = None
    numbers = {channel.of for channel in channels if channel.kind in {Kind.ORDERS, Kind.SUPPORT}}
    known: Sequence[str] = ()
    if numbers:
        async with database.reading() as connection:
            if caller.may(Permission.ORDERS_MANAGE):
                known = await list_existing_orders(connection, numbers)
            else:
                known = await list_own_orders(connection, numbers, caller.user_id)
    for channel in channels:
        is_there = channel.kind not in {Kind.ORDERS, Kind.SUPPORT} or channel.of in known
        if not is_there or not may_hear(caller, channel, known):
            raise _no_channel(channel.name)
    return [*channels]


def _no_channel(name: str) -> ChannelNotFound:
    return ChannelNotFound(f"There is no channel {name}, or not for you by these credentials.")
