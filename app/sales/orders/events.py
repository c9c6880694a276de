"""What happens to orders. Amounts are text, with the decimals of their currency."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class OrderCreated(Event):
    """Somebody bought something, which is set apart for them and not yet paid."""

    type: ClassVar[str] = "order.created"
    order_id: int
    number: str
    user_id: int | None
    total: str
    currency: str


@dataclass(frozen=True, slots=True)
class OrderOverdue(Event):
    """The time to pay the order is over."""

    type: ClassVar[str] = "order.overdue"
    order_id: int


@dataclass(frozen=True, slots=True)
class OrderPaid(Event):
    """The order is paid in full."""

    type: ClassVar[str] = "order.paid"
    order_id: int
    number: str


@dataclass(frozen=True, slots=True)
class OrderShipped(Event):
    """A parcel left, with all that was left or with a part."""

    type: ClassVar[str] = "order.shipped"
    order_id: int
    number: str
    shipment_id: int


@dataclass(frozen=True, slots=True)
class OrderReadyForPickup(Event):
    """The order lies ready for its buyer, to whom its `pickup_code` is to be told."""

    type: ClassVar[str] = "order.ready_for_pickup"
    order_id: int
    number: str


@dataclass(frozen=True, slots=True)
class OrderDelivered(Event):
    """Everything is with the buyer."""

    type: ClassVar[str] = "order.delivered"
    order_id: int
    number: str


@dataclass(frozen=True, slots=True)
class OrderCancelled(Event):
    """The order is off; what was paid is to be given back. `reason`: `cancelled` or `expired`."""

    type: ClassVar[str] = "order.cancelled"
    order_id: int
    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderRefunded(Event):
    """Money went back to the buyer."""

    type: ClassVar[str] = "order.refunded"
    order_id: int
    number: str
    refund_id: int
    amount: str
