"""The port to whoever takes the money: what the shop asks of a provider, and what it gets to know."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from app.sales.models import PaymentStatus, RefundStatus

DISPUTES = "charge.dispute."
"""How the types of the events begin that tell of disputes; the provider is then asked."""


class Card(StrEnum):
    """What the fake provider's cards do."""

    OK = "ok"
    DECLINED = "declined"
    THREE_D_SECURE = "3ds"
    TIMEOUT = "timeout"
    LATE_WEBHOOK = "late_webhook"


class ChargeRequest(NamedTuple):
    """A payment as the provider hears of it; whoever asks again with the same `key` charges nobody twice."""

    key: str
    payment_id: int
    order_number: str
    amount: Decimal
    currency: str
    card: Card | None = None


class Charge(NamedTuple):
    """A charge as it stands with the provider. `amount` is what was captured, once it succeeded.

    `client_secret` lets the buyer's browser go on; it is told once and kept nowhere.
    """

    reference: str
    status: PaymentStatus
    amount: Decimal
    client_secret: str | None = None
    failure_code: str | None = None


class RefundRequest(NamedTuple):
    """Money to be given back of a charge; the same `key` gives it back once."""

    key: str
    payment_id: int
    charge: str
    amount: Decimal
    currency: str


class ProviderRefund(NamedTuple):
    """A refund as it stands with the provider."""

    reference: str
    status: RefundStatus
    failure_code: str | None = None


class WebhookEvent(NamedTuple):
    """What a provider's event is about: a payment, by the shop's id or by the charge's reference."""

    event_id: str
    type: str
    payment_id: int | None
    reference: str | None


class ProviderUnavailable(Exception):
    """No answer: what was asked for may have happened or not. Ask again with the same key."""

    is_log_safe = True


class ProviderRefused(Exception):
    """A definite no; nothing has happened. `code` is the provider's, or `refused`."""

    is_log_safe = True

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PaymentProvider(Protocol):
    """Takes money and gives it back. Every call raises ProviderUnavailable, ProviderRefused.

    None is made inside a transaction.
    """

    async def charge(self, request: ChargeRequest) -> Charge:
        """Begin to charge; the same key again gives the same charge, as it stands."""

    async def fetch(self, reference: str) -> Charge:
        """Look the charge up."""

    async def resume(self, reference: str) -> Charge:
        """Look the charge up for a buyer who is back from what they had to do."""

    async def cancel(self, reference: str, key: str) -> Charge:
        """Stop the charge, if it is not over; how it stands then."""

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give money back."""

    async def fetch_refund(self, reference: str) -> ProviderRefund:
        """Look the refund up."""

    async def is_disputed(self, reference: str) -> bool:
        """Whether the bank of whoever paid wants the charge back, or has it."""

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Read an event, whose signature is over these very bytes. Raises WebhookRefused."""

    async def close(self) -> None:
        """Close every connection."""


def provider_key(row_id: int, operation: str) -> str:
    """The idempotency key of what is asked for a row; each row is one attempt, however often it is asked for."""
    return f"{row_id}:{operation}:1"
