"""What may become of an order, as one table without any I/O."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class OrderStatus(StrEnum):
    """Where an order stands as a whole."""

    PENDING = "pending"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class OrderPaymentStatus(StrEnum):
    """What was paid of it, and given back; `pending` while a provider has not yet decided."""

    UNPAID = "unpaid"
    PENDING = "pending"
    PAID = "paid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"


class FulfilmentStatus(StrEnum):
    """Where the goods are."""

    UNFULFILLED = "unfulfilled"
    PARTIALLY_SHIPPED = "partially_shipped"
    READY_FOR_PICKUP = "ready_for_pickup"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"


class Action(StrEnum):
    """What somebody, a payment or the clock does with an order."""

    PAY = "pay"
    CANCEL = "cancel"
    EXPIRE = "expire"
    REVIVE = "revive"
    SHIP_PART = "ship_part"
    SHIP = "ship"
    DELIVER = "deliver"
    READY = "ready"
    PICK_UP = "pick_up"
    RETURN = "return"


TRANSITIONS: Mapping[OrderStatus, Mapping[Action, OrderStatus]] = MappingProxyType(
    {
        OrderStatus.PENDING: {
            Action.PAY: OrderStatus.PROCESSING,
            Action.CANCEL: OrderStatus.CANCELLED,
            Action.EXPIRE: OrderStatus.CANCELLED,
        },
        OrderStatus.PROCESSING: {
            Action.SHIP_PART: OrderStatus.PROCESSING,
            Action.SHIP: OrderStatus.SHIPPED,
            Action.READY: OrderStatus.PROCESSING,
            Action.PICK_UP: OrderStatus.DELIVERED,
            Action.CANCEL: OrderStatus.CANCELLED,
        },
        OrderStatus.SHIPPED: {Action.DELIVER: OrderStatus.DELIVERED},
        OrderStatus.DELIVERED: {Action.RETURN: OrderStatus.RETURNED},
        # Money that comes after the order expired: it goes on, if the stock is still there.
        OrderStatus.CANCELLED: {Action.REVIVE: OrderStatus.PROCESSING},
        OrderStatus.RETURNED: {},
    }
)
"""Status → action → status."""

AT: Mapping[Action, frozenset[FulfilmentStatus]] = MappingProxyType(
    {
        # What part was shipped of cannot be cancelled any more.
        Action.CANCEL: frozenset({FulfilmentStatus.UNFULFILLED, FulfilmentStatus.READY_FOR_PICKUP}),
        Action.SHIP_PART: frozenset({FulfilmentStatus.UNFULFILLED, FulfilmentStatus.PARTIALLY_SHIPPED}),
        Action.SHIP: frozenset({FulfilmentStatus.UNFULFILLED, FulfilmentStatus.PARTIALLY_SHIPPED}),
        Action.READY: frozenset({FulfilmentStatus.UNFULFILLED}),
        Action.PICK_UP: frozenset({FulfilmentStatus.READY_FOR_PICKUP}),
    }
)
"""Where the goods must be for an action, which the status does not tell; elsewhere it does not matter."""


def allowed_actions(
    status: OrderStatus, fulfilment: FulfilmentStatus, *, is_pickup: bool = False
) -> frozenset[Action]:
    """What may be done with an order that stands so; `is_pickup`: its buyer comes for it."""
    allowed = {action for action in TRANSITIONS[status] if action not in AT or fulfilment in AT[action]}
    return frozenset(allowed if is_pickup else allowed - {Action.READY})


def offered_actions(
    status: OrderStatus, fulfilment: FulfilmentStatus, *, is_pickup: bool = False
) -> list[Action]:
    """What people may do with an order that stands so; what the clock and late money do is left out."""
    by_itself = {Action.EXPIRE, Action.REVIVE}
    return sorted(allowed_actions(status, fulfilment, is_pickup=is_pickup) - by_itself)


def next_status(
    status: OrderStatus, fulfilment: FulfilmentStatus, action: Action, *, is_pickup: bool = False
) -> OrderStatus | None:
    """Where the action leads; None where it may not be done."""
    allowed = allowed_actions(status, fulfilment, is_pickup=is_pickup)
    return TRANSITIONS[status][action] if action in allowed else None
