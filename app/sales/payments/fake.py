"""The fake provider: cards that do what their name says, for development, demos and tests.

It keeps books of its own, in transactions of its own, as a provider elsewhere would. Of each charge it tells the
shop by webhook, signed, more than once and the latest first: whoever relies on their order notices.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import orjson

from app.core.clock import utc_now
from app.core.events.events import publish
from app.sales.models import FakeTransaction, PaymentStatus, RefundStatus
from app.sales.payments.errors import WebhookRefused
from app.sales.payments.events import FakeWebhookDue
from app.sales.payments.port import (
    Card,
    Charge,
    ChargeRequest,
    ProviderRefund,
    ProviderRefused,
    ProviderUnavailable,
    RefundRequest,
    WebhookEvent,
)
from app.sales.payments.repository import FakeBooks, Transaction

NAME = "fake"
SIGNATURE = "fake-signature"

_OLDEST = timedelta(minutes=5)
_FIRST = {
    Card.DECLINED: PaymentStatus.FAILED,
    Card.THREE_D_SECURE: PaymentStatus.REQUIRES_ACTION,
    Card.LATE_WEBHOOK: PaymentStatus.PENDING,
}
"""How a charge stands at once; with any other card it succeeds."""


class SignedEvent(NamedTuple):
    """A webhook as it goes out."""

    body: bytes
    headers: dict[str, str]


class FakeProvider:
    """Takes no money, and says that it did."""

    def __init__(self, transaction: Transaction, secret: str, delay: float) -> None:
        self._transaction = transaction
        self._key = hashlib.blake2b(secret.encode(), digest_size=32, person=b"fake payments").digest()
        self._delay = timedelta(seconds=delay)

    async def charge(self, request: ChargeRequest) -> Charge:
        """Charge the card. With `timeout` it is charged, and the first answer lost."""
        card = request.card or Card.OK
        entry = FakeTransaction(
            key=request.key,
            reference=f"fake_ch_{request.payment_id}",
            payment_id=request.payment_id,
            amount=request.amount,
            currency=request.currency,
            card=card,
            status=_FIRST.get(card, PaymentStatus.SUCCEEDED),
        )
        async with self._transaction() as session:
            written = await FakeBooks(session).enter(entry)
            is_first = written.calls == 1
            if is_first:
                due = utc_now() + (self._delay if card is Card.LATE_WEBHOOK else timedelta())
                await publish(session, FakeWebhookDue(written.reference, due.isoformat()))
        if is_first and card is Card.TIMEOUT:
            raise ProviderUnavailable("the answer was lost")
        return _charge(written)

    async def fetch(self, reference: str) -> Charge:
        """Look the charge up."""
        async with self._transaction() as session:
            return _charge(await _known(FakeBooks(session), reference))

    async def resume(self, reference: str) -> Charge:
        """The buyer is back from 3-D Secure, and has passed."""
        return await self._settle(reference, PaymentStatus.REQUIRES_ACTION, PaymentStatus.SUCCEEDED)

    async def cancel(self, reference: str, key: str) -> Charge:
        """Stop a charge that waits for the buyer."""
        del key
        return await self._settle(reference, PaymentStatus.REQUIRES_ACTION, PaymentStatus.CANCELLED)

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Give back, of a charge that succeeded, what is not given back yet."""
        async with self._transaction() as session:
            books = FakeBooks(session)
            charge = await _known(books, request.charge, for_update=True)
            entry = FakeTransaction(
                key=request.key,
                reference=f"fake_re_{request.key}",
                returned=request.charge,
                payment_id=request.payment_id,
                amount=request.amount,
                currency=request.currency,
                status=RefundStatus.SUCCEEDED,
            )
            written = await books.enter(entry)
            if charge.status != PaymentStatus.SUCCEEDED or await books.returned(charge) > charge.amount:
                raise ProviderRefused("charge_has_not_so_much")
        return ProviderRefund(written.reference, RefundStatus(written.status))

    async def fetch_refund(self, reference: str) -> ProviderRefund:
        """Look the refund up."""
        async with self._transaction() as session:
            entry = await _known(FakeBooks(session), reference)
        return ProviderRefund(entry.reference, RefundStatus(entry.status))

    async def is_disputed(self, reference: str) -> bool:
        """Its cards have no bank."""
        del reference
        return False

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
        """Read an event. Raises WebhookRefused."""
        parts = dict(part.partition("=")[::2] for part in headers.get(SIGNATURE, "").split(","))
        stamp = parts.get("t", "")
        is_ours = hmac.compare_digest(self._sign(stamp, body).encode(), parts.get("v1", "").encode())
        if not is_ours or abs(utc_now() - datetime.fromisoformat(stamp)) > _OLDEST:
            raise WebhookRefused("The signature does not fit the body, or is too old.")
        event = orjson.loads(body)
        return WebhookEvent(event["id"], event["type"], event["payment_id"], event["charge"])

    async def tell(self, reference: str) -> list[SignedEvent]:
        """What it sends of a charge: how it stands, then, late, how it began, and once more how it stands."""
        entry = await self._settle(reference, PaymentStatus.PENDING, PaymentStatus.SUCCEEDED)
        payment_id = int(reference.rpartition("_")[2])
        now, began = (
            self._signed(
                {"id": f"evt_{reference}_{kind}", "type": f"charge.{kind}", "payment_id": payment_id},
                reference,
            )
            for kind in (entry.status.value, "created")
        )
        return [now, began, now]

    async def close(self) -> None:
        """Nothing is open."""

    async def _settle(self, reference: str, before: PaymentStatus, after: PaymentStatus) -> Charge:
        async with self._transaction() as session:
            entry = await _known(FakeBooks(session), reference, for_update=True)
            if entry.status == before:
                entry.status = after
                if before is PaymentStatus.REQUIRES_ACTION:
                    await publish(session, FakeWebhookDue(reference, utc_now().isoformat()))
        return _charge(entry)

    def _signed(self, event: dict[str, str | int], reference: str) -> SignedEvent:
        body = orjson.dumps({**event, "charge": reference})
        stamp = utc_now().isoformat()
        return SignedEvent(body, {SIGNATURE: f"t={stamp},v1={self._sign(stamp, body)}"})

    def _sign(self, stamp: str, body: bytes) -> str:
        return hmac.new(self._key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


async def _known(books: FakeBooks, reference: str, *, for_update: bool = False) -> FakeTransaction:
    entry = await books.find(reference, for_update=for_update)
    if entry is None:
        raise ProviderRefused("no_such_object")
    return entry


def _charge(entry: FakeTransaction) -> Charge:
    status = PaymentStatus(entry.status)
    return Charge(
        entry.reference,
        status,
        entry.amount,
        f"{entry.reference}_secret" if status is PaymentStatus.REQUIRES_ACTION else None,
        "card_declined" if status is PaymentStatus.FAILED else None,
    )
