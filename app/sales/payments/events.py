"""What happens to payments, for others to know and for the worker to do."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class PaymentEvent(Event):
    """Something became of a payment; `amount` as text."""

    type: ClassVar[str]
    payment_id: int
    order_id: int
    provider: str
    amount: str
    currency: str

    @property
    def subject(self) -> str:
        """The payment."""
        return f"payment:{self.payment_id}"


@dataclass(frozen=True, slots=True)
class PaymentSucceeded(PaymentEvent):
    """The money is captured."""

    type: ClassVar[str] = "payment.succeeded"


@dataclass(frozen=True, slots=True)
class PaymentFailed(PaymentEvent):
    """The provider, or the buyer's bank, refused."""

    type: ClassVar[str] = "payment.failed"


@dataclass(frozen=True, slots=True)
class PaymentCancelled(PaymentEvent):
    """It was stopped before any money moved."""

    type: ClassVar[str] = "payment.cancelled"


@dataclass(frozen=True, slots=True)
class PaymentDisputed(PaymentEvent):
    """The bank of whoever paid wants it back."""

    type: ClassVar[str] = "payment.disputed"


@dataclass(frozen=True, slots=True)
class PaymentUnwanted(Event):
    """Money came for an order that is off, or paid already: it is to go back."""

    type: ClassVar[str] = "payment.unwanted"
    payment_id: int
    order_id: int


@dataclass(frozen=True, slots=True)
class WebhookReceived(Event):
    """A provider's event is stored, and says that something became of a payment."""

    type: ClassVar[str] = "payment.webhook_received"
    webhook_id: int


@dataclass(frozen=True, slots=True)
class PaymentDoubted(Event):
    """A payment is under way for long: its provider is to be asked."""

    type: ClassVar[str] = "payment.doubted"
    payment_id: int


@dataclass(frozen=True, slots=True)
class FakeWebhookDue(Event):
    """The fake provider is to send its webhooks of a charge, not before the moment `due_at`."""

    type: ClassVar[str] = "payment.fake_webhook_due"
    reference: str
    due_at: str
