"""Channels: their names, which events each has, and who may hear it. Pure."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.events.feed import FeedEvent
from app.identity.permissions import Permission
from app.identity.principal import Principal
from app.messaging.public_events import LIVE_EVENTS, PUBLIC_EVENTS, Audience

MOST_CHANNELS = 50
"""Of one stream."""
LONGEST_NAME = 64


class Kind(StrEnum):
    """What a channel is about."""

    ITEMS = "items"
    ORDERS = "orders"
    USER = "user"
    STAFF = "staff"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Channel:
    """`kind:of`, as `items:42`."""

    kind: Kind
    of: str

    @property
    def name(self) -> str:
        """As clients write it."""
        return f"{self.kind}:{self.of}"


STAFF_ORDERS = Channel(Kind.STAFF, "orders")
STAFF_STOCK = Channel(Kind.STAFF, "stock")
SUPPORT_EVENTS = frozenset({"support.message"})
"""What is said about an order, to its buyer and to staff."""

_OF = {
    Kind.ITEMS: re.compile(r"[1-9][0-9]{0,17}"),
    Kind.ORDERS: re.compile(r"ORD-[0-9]{8}"),
    Kind.USER: re.compile(r"[1-9][0-9]{0,17}|me"),
    Kind.STAFF: re.compile(r"orders|stock"),
    Kind.SUPPORT: re.compile(r"ORD-[0-9]{8}"),
}
_STAFF_NEEDS = {"orders": Permission.ORDERS_MANAGE, "stock": Permission.INVENTORY_READ}
_SUBJECTS = {"item": Kind.ITEMS, "order": Kind.ORDERS}


def _named(*prefixes: str) -> frozenset[str]:
    return frozenset(name for name in PUBLIC_EVENTS if name.startswith(prefixes))


def _heard_by(audience: Audience) -> frozenset[str]:
    return frozenset(name for name, event in PUBLIC_EVENTS.items() if event.audience is audience)


_PUBLIC = _heard_by(Audience.PUBLIC)
_OWNED = _heard_by(Audience.OWNER) | LIVE_EVENTS.keys()
_OF_ORDERS = _named("order.") - SUPPORT_EVENTS
_NAMES = {
    Kind.ITEMS: _PUBLIC,
    Kind.USER: _OWNED,
    Kind.ORDERS: _OF_ORDERS,
    Kind.SUPPORT: SUPPORT_EVENTS,
}
_FOR_STAFF: Mapping[Channel, frozenset[str]] = {
    STAFF_ORDERS: _named("order.", "payment.", "support."),
    STAFF_STOCK: _named("stock."),
}


def read_channel(name: str, user_id: int) -> Channel | None:
    """The channel of this name, `user:me` being the caller's; None where none can be called so."""
    kind, _, of = name.partition(":")
    if kind not in set(Kind) or _OF[Kind(kind)].fullmatch(of) is None:
        return None
    if kind == Kind.USER and of == "me":
        return Channel(Kind.USER, str(user_id))
    return Channel(Kind(kind), of)


def may_hear(caller: Principal, channel: Channel, own_orders: Collection[str]) -> bool:
    """Whether the channel is the caller's to hear; `own_orders` are those of the orders named that are theirs."""
    if channel.kind is Kind.ITEMS:
        return True
    if channel.kind is Kind.USER:
        return channel.of == str(caller.user_id) and caller.may(Permission.PROFILE_READ)
    if channel.kind is Kind.STAFF:
        return caller.may(_STAFF_NEEDS[channel.of])
    is_buyer = channel.of in own_orders and caller.may(Permission.ORDERS_READ)
    return is_buyer or caller.may(Permission.ORDERS_MANAGE)


def channels_of(event: FeedEvent) -> list[Channel]:
    """The channels that have the event."""
    found = [channel for channel, names in _FOR_STAFF.items() if event.type in names]
    kind, _, of = event.subject.partition(":")
    if event.type in SUPPORT_EVENTS:
        found.append(Channel(Kind.SUPPORT, of))
    elif _SUBJECTS.get(kind) is Kind.ITEMS and event.type in _PUBLIC:
        found.append(Channel(Kind.ITEMS, of))
    elif _SUBJECTS.get(kind) is Kind.ORDERS and event.type in _OF_ORDERS:
        found.append(Channel(Kind.ORDERS, of))
    if event.user_id is not None and event.type in _OWNED:
        found.append(Channel(Kind.USER, str(event.user_id)))
    return found


def names_in(channel: Channel) -> frozenset[str]:
    """The types of events that the channel can have."""
    if channel.kind is Kind.STAFF:
        return _FOR_STAFF[channel]
    return _NAMES[channel.kind]


def own_channel(caller: Principal) -> Sequence[str]:
    """What somebody hears who names no channel."""
    return (Channel(Kind.USER, str(caller.user_id)).name,)
