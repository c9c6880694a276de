"""What happens to refunds."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event
from app.sales.payments.events import PaymentEvent


@dataclass(frozen=True, slots=True)
class PaymentRefunded(PaymentEvent):
    """Money of a payment went back; `amount` as text."""

    type: ClassVar[str] = "payment.refunded"
    refund_id: int


@dataclass(frozen=True, slots=True)
class RefundRequested(Event):
    """A refund is written down, and its providers are to be asked for it (again)."""

    type: ClassVar[str] = "refund.requested"
    refund_id: int
