"""What happens to orders. Amounts are text, with the decimals of their currency."""

from dataclasses import dataclass, field
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class OrderEvent(Event):
    """Something that whoever bought may know of.

    `user_id` is None where they have no account, and in events of the release that did not say.
    """

    type: ClassVar[str]
    order_id: int
    number: str
    user_id: int | None = field(default=None, kw_only=True)

    @property
    def subject(self) -> str:
        """The order, by its number."""
        return f"order:{self.number}"

    @property
    def concerns(self) -> int | None:
        """Whoever bought."""
        return self.user_id


@dataclass(frozen=True, slots=True)
class OrderCreated(OrderEvent):
    """Somebody bought something, which is set apart for them and not yet paid."""

    type: ClassVar[str] = "order.created"
    total: str
    currency: str


@dataclass(frozen=True, slots=True)
class OrderOverdue(Event):
    """The time to pay the order is over."""

    type: ClassVar[str] = "order.overdue"
    order_id: int


@dataclass(frozen=True, slots=True)
class OrderPaid(OrderEvent):
    """The order is paid in full."""

    type: ClassVar[str] = "order.paid"


@dataclass(frozen=True, slots=True)
class OrderShipped(OrderEvent):
    """A parcel left, with all that was left or with a part."""

    type: ClassVar[str] = "order.shipped"
    shipment_id: int


@dataclass(frozen=True, slots=True)
class OrderReadyForPickup(OrderEvent):
    """The order lies ready for its buyer, to whom its `pickup_code` is to be told."""

    type: ClassVar[str] = "order.ready_for_pickup"


@dataclass(frozen=True, slots=True)
class OrderDelivered(OrderEvent):
    """Everything is with the buyer."""

    type: ClassVar[str] = "order.delivered"


@dataclass(frozen=True, slots=True)
class OrderCancelled(OrderEvent):
    """The order is off; what was paid is to be given back. `reason`: `cancelled` or `expired`."""

    type: ClassVar[str] = "order.cancelled"
    reason: str


@dataclass(frozen=True, slots=True)
class OrderRefunded(OrderEvent):
    """Money went back to the buyer."""

    type: ClassVar[str] = "order.refunded"
    refund_id: int
    amount: str
