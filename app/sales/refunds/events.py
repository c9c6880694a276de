"""What happens to refunds."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class PaymentRefunded(Event):
    """Money of a payment went back; `amount` as text."""

    type: ClassVar[str] = "payment.refunded"
    payment_id: int
    order_id: int
    refund_id: int
    provider: str
    amount: str
    currency: str

    @property
    def subject(self) -> str:
        """The payment."""
        return f"payment:{self.payment_id}"


@dataclass(frozen=True, slots=True)
class RefundRequested(Event):
    """A refund is written down, and its providers are to be asked for it (again)."""

    type: ClassVar[str] = "refund.requested"
    refund_id: int
