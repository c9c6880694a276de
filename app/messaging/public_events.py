"""The events that others may hear of: their names, versions and data, and who may hear of each.

One table serves the feed, webhooks, live updates and the document; what a second one has is told live alone. What
leaves is always an `EventOut`; its `data` is what the table says and nothing else, whatever more the shop itself keeps
in the event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog
from pydantic import Field, ValidationError

from app.core.events.feed import FeedEvent
from app.core.http.schemas import Money, ResponseModel

_log = structlog.get_logger(__name__)


class Audience(StrEnum):
    """Who may hear of an event: anybody, whom it concerns, or staff alone. Staff may hear of all."""

    PUBLIC = "public"
    OWNER = "owner"
    STAFF = "staff"


class ItemData(ResponseModel):
    """Which item it is: `GET /api/v1/items/{item_id}` has it as it is now."""

    item_id: int = Field(examples=[42])


class ItemCreatedData(ItemData):
    """An item that can be seen now."""

    kind: str = Field(examples=["book"])
    title: str = Field(examples=["The Left Hand of Darkness"])
    price: Money | None = Field(description="null: it has none yet, and cannot be bought.", examples=[12.9])
    currency: str = Field(examples=["EUR"])


class ItemUpdatedData(ItemData):
    """An item that was edited; its entity tag has this version."""

    kind: str = Field(examples=["book"])
    title: str = Field(examples=["The Left Hand of Darkness"])
    version: int = Field(examples=[3])


class ItemDeletedData(ItemData):
    """An item that is seen no more."""

    kind: str = Field(examples=["book"])


class PriceChangedData(ItemData):
    """What an item costs now, and did before; null: nothing that it could be bought for."""

    price: Money | None = Field(examples=[9.9])
    old_price: Money | None = Field(examples=[12.9])
    currency: str = Field(examples=["EUR"])


class StockData(ItemData):
    """How many can be bought now, and could before."""

    available: int = Field(examples=[3])
    old_available: int | None = Field(None, examples=[4])


class OrderData(ResponseModel):
    """Which order it is: `GET /api/v1/orders/{number}` has it as it is now."""

    number: str = Field(examples=["ORD-02387461"])


class OrderCreatedData(OrderData):
    """What was ordered, in money."""

    total: Money = Field(examples=[33.14])
    currency: str = Field(examples=["EUR"])


class OrderShippedData(OrderData):
    """The parcel that left."""

    shipment_id: int = Field(examples=[7])


class OrderCancelledData(OrderData):
    """Why it is off: `cancelled` by somebody, or `expired` unpaid."""

    reason: str = Field(examples=["expired"])


class OrderRefundedData(OrderData):
    """How much went back, in the order's currency."""

    refund_id: int = Field(examples=[3])
    amount: Money = Field(examples=[12.9])


class SupportData(OrderData):
    """What buyer or staff wrote about the order: `GET /api/v1/orders/{number}/messages` has all of it."""

    message_id: int = Field(examples=[7])
    author: str = Field(description="`buyer` or `staff`.", examples=["buyer"])
    content: str = Field(examples=["Can it be gift-wrapped?"])


class PaymentData(ResponseModel):
    """Money that moved, or did not."""

    payment_id: int = Field(examples=[11])
    provider: str = Field(examples=["fake"])
    amount: Money = Field(examples=[33.14])
    currency: str = Field(examples=["EUR"])


class UserData(ResponseModel):
    """Which account it is."""

    user_id: int = Field(examples=[7])


class DeviceData(UserData):
    """Where somebody logged in from."""

    device: str = Field(examples=["Firefox on Linux"])
    ip: str = Field(examples=["203.0.113.9"])


class FactorData(UserData):
    """What became of a second factor."""

    what: str = Field(examples=["totp_enabled"])


class SubscriptionData(ResponseModel):
    """Who subscribed to the newsletter, which costs nothing, or to a plan that costs something each month."""

    username: str | None = Field(description="null: an address without an account.", examples=["ada"])
    monthly_fee: Money = Field(examples=[0])
    start_date: datetime = Field(examples=["2026-05-05T10:00:00Z"])


class NotificationData(ResponseModel):
    """A line that is new in one's list: `GET /api/v1/users/me/notifications` has its text."""

    notification_id: int = Field(examples=[31])
    kind: str = Field(examples=["order_shipped"])
    category: str = Field(examples=["orders"])
    about: str | None = Field(None, examples=["order:ORD-02387461"])


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """A line of the catalogue. `version` grows when `data` changes so that a receiver could break."""

    name: str
    summary: str
    data: type[ResponseModel]
    audience: Audience
    version: int = 1


PUBLIC_EVENTS: Mapping[str, PublicEvent] = {
    each.name: each
    for each in (
        PublicEvent("item.created", "An item can be seen", ItemCreatedData, Audience.PUBLIC),
        PublicEvent("item.updated", "An item was edited", ItemUpdatedData, Audience.PUBLIC),
        PublicEvent("item.deleted", "An item is seen no more", ItemDeletedData, Audience.PUBLIC),
        PublicEvent("item.price_changed", "An item has another price", PriceChangedData, Audience.PUBLIC),
        PublicEvent("stock.changed", "Another number of an item can be bought", StockData, Audience.PUBLIC),
        PublicEvent("stock.out", "An item is sold out", StockData, Audience.PUBLIC),
        PublicEvent("stock.back", "An item can be bought again", StockData, Audience.PUBLIC),
        PublicEvent("stock.low", "Few of an item are left", StockData, Audience.STAFF),
        PublicEvent("order.created", "Somebody bought something", OrderCreatedData, Audience.OWNER),
        PublicEvent("order.paid", "An order is paid in full", OrderData, Audience.OWNER),
        PublicEvent("order.shipped", "A parcel left", OrderShippedData, Audience.OWNER),
        PublicEvent("order.ready_for_pickup", "An order lies ready", OrderData, Audience.OWNER),
        PublicEvent("order.delivered", "Everything is with the buyer", OrderData, Audience.OWNER),
        PublicEvent("order.cancelled", "An order is off", OrderCancelledData, Audience.OWNER),
        PublicEvent("order.refunded", "Money went back to the buyer", OrderRefundedData, Audience.OWNER),
        PublicEvent("support.message", "Somebody wrote about an order", SupportData, Audience.OWNER),
        PublicEvent("payment.succeeded", "Money is captured", PaymentData, Audience.STAFF),
        PublicEvent("payment.failed", "A payment was refused", PaymentData, Audience.STAFF),
        PublicEvent("payment.cancelled", "A payment was stopped", PaymentData, Audience.STAFF),
        PublicEvent("payment.disputed", "A payer's bank wants money back", PaymentData, Audience.STAFF),
        PublicEvent("payment.refunded", "Money of a payment went back", PaymentData, Audience.STAFF),
        PublicEvent("user.registered", "An account was opened", UserData, Audience.OWNER),
        PublicEvent("user.password_changed", "A password was changed", UserData, Audience.OWNER),
        PublicEvent("user.new_device", "Somebody logged in from a new device", DeviceData, Audience.OWNER),
        PublicEvent("user.second_factor_changed", "A second factor changed", FactorData, Audience.OWNER),
        PublicEvent("new-subscription", "Somebody subscribed", SubscriptionData, Audience.STAFF),
    )
}

LIVE_EVENTS: Mapping[str, PublicEvent] = {
    each.name: each
    for each in (
        PublicEvent("notification.created", "A notification is new", NotificationData, Audience.OWNER),
    )
}
"""What its owner alone is told, on `user:{id}` of streams: webhooks and the feed have the event that it is about."""


class EventOut(ResponseModel):
    """Something that happened. The same event has the same `id` wherever it is told, however often."""

    id: str = Field(description="`evt_` and the place in the feed.", examples=["evt_1204"])
    type: str = Field(examples=["order.paid"])
    version: int = Field(description="Of the form of `data`.", examples=[1])
    sequence: int = Field(description="The place in the feed; there are no gaps.", examples=[1204])
    subject: str = Field(description="What it is about.", examples=["order:ORD-02387461"])
    created_at: datetime
    data: dict[str, object] = Field(
        description="As the document has it for each type, under `webhooks`.",
        examples=[{"number": "ORD-02387461"}],
    )


def envelope(event: FeedEvent) -> EventOut | None:
    """The event as others see it; None for one that is not in the catalogue or does not fit it, as of a newer release."""
    known = PUBLIC_EVENTS.get(event.type) or LIVE_EVENTS.get(event.type)
    if known is None:
        return None
    try:
        data = known.data.model_validate(event.payload)
    except ValidationError as misfit:
        # One that cannot be told must not hold up those after it, for every reader and as long as it is kept.
        _log.error("event_not_told", type=event.type, sequence=event.sequence, error=misfit)
        return None
    return EventOut(
        id=f"evt_{event.sequence}",
        type=event.type,
        version=known.version,
        sequence=event.sequence,
        subject=event.subject,
        created_at=event.created_at,
        data=data.model_dump(mode="json"),
    )
