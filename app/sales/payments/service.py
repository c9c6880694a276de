"""Beginning a payment, and the one function that settles what its provider says of it."""

from typing import NamedTuple, Self

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import publish
from app.sales.gift_cards.repository import GiftCardRepository
from app.sales.models import Order, Payment, PaymentStatus
from app.sales.order_states import OrderPaymentStatus, OrderStatus
from app.sales.orders.service import OrderService
from app.sales.payments.errors import (
    GiftCardEmpty,
    OrderAlreadyPaid,
    OrderNotPayable,
    PaymentNotFound,
    PaymentUnderWay,
)
from app.sales.payments.events import (
    PaymentCancelled,
    PaymentDisputed,
    PaymentEvent,
    PaymentFailed,
    PaymentSucceeded,
    PaymentUnwanted,
    WebhookReceived,
)
from app.sales.payments.port import Card, Charge, ChargeRequest, WebhookEvent, provider_key
from app.sales.payments.repository import PaymentRepository
from app.sales.payments.schemas import PaymentIn

_log = structlog.get_logger(__name__)
OVER: dict[PaymentStatus, type[PaymentEvent]] = {
    PaymentStatus.SUCCEEDED: PaymentSucceeded,
    PaymentStatus.FAILED: PaymentFailed,
    PaymentStatus.CANCELLED: PaymentCancelled,
}
_CLOSED = frozenset({OrderStatus.CANCELLED, OrderStatus.RETURNED})


class UnderWay(NamedTuple):
    """A payment as its provider is asked about it; `is_wanted`: its order is not over."""

    id: int
    provider: str
    status: PaymentStatus
    reference: str | None
    request: ChargeRequest
    is_wanted: bool
    is_older: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing becomes of it any more."""
        return self.status in OVER


class PaymentService:
    """Payments in one transaction, which is short: nobody is asked over the network inside."""

    def __init__(
        self,
        session: AsyncSession,
        payments: PaymentRepository,
        orders: OrderService,
        gift_cards: GiftCardRepository,
    ) -> None:
        self._session = session
        self._payments = payments
        self._orders = orders
        self._gift_cards = gift_cards

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        gift_cards = GiftCardRepository(session)
        return cls(session, PaymentRepository(session), OrderService.build(session), gift_cards)

    async def start(self, buyer_id: int, number: str, wanted: PaymentIn, request_key: bytes) -> UnderWay:
        """Write down that what is due is to be paid; the same request again finds what it began before.

        An older payment that waits for the buyer is what comes back instead: it must be cancelled first.
        Raises OrderNotFound, OrderAlreadyPaid, OrderNotPayable, PaymentUnderWay, UnknownGiftCard, GiftCardEmpty.
        """
        order = await self._orders.lock_seen_by(buyer_id, number)
        begun = await self._payments.find_by_request(request_key)
        if begun is not None:
            return _as_asked(order, begun)
        if order.status in _CLOSED:
            raise OrderNotPayable(f"The order is {order.status}.")
        due = await self._payments.due(order.id)
        if not due:
            raise OrderAlreadyPaid("Nothing is left to pay.")
        older = await self._payments.find_under_way(order.id)
        if older is not None:
            if older.status == PaymentStatus.PENDING:
                raise PaymentUnderWay("Wait until its provider says what became of it.")
            return _as_asked(order, older)._replace(is_older=True)
        payment = Payment(
            order_id=order.id,
            provider=wanted.provider,
            amount=due,
            currency=order.currency,
            card=wanted.card,
            request_key=request_key,
        )
        if wanted.code is not None:
            payment.amount = await self._gift_cards.redeem(wanted.code, due, order.currency, order.id)
            if not payment.amount:
                raise GiftCardEmpty("Nothing is left on it for this order.")
            await self._payments.add(payment)
            await self._end(order, payment, Charge("", PaymentStatus.SUCCEEDED, payment.amount))
        else:
            order.payment_status = OrderPaymentStatus.PENDING
            await self._payments.add(payment)
        return _as_asked(order, payment)

    async def take(self, order: Order, provider: str) -> None:
        """Note that the locked order is paid at the counter, in cash or otherwise, with no provider to ask."""
        payment = Payment(order_id=order.id, provider=provider, amount=order.total, currency=order.currency)
        await self._payments.add(payment)
        await self._end(order, payment, Charge("", PaymentStatus.SUCCEEDED, order.total))

    async def find(self, payment_id: int) -> UnderWay | None:
        """The payment as its provider is asked about it, if there is one."""
        found = await self._payments.lock_with_order(payment_id)
        return None if found is None else _as_asked(*found)

    async def get_own(self, buyer_id: int, number: str, payment_id: int) -> UnderWay:
        """A payment of the buyer's order. Raises OrderNotFound, PaymentNotFound."""
        order = await self._orders.lock_seen_by(buyer_id, number)
        found = await self._payments.lock_with_order(payment_id)
        if found is None or found[0].id != order.id:
            raise PaymentNotFound(f"The order has no payment {payment_id}.")
        return _as_asked(*found)

    async def settle(self, payment_id: int, charge: Charge) -> None:
        """Bring payment and order to what the provider says; who comes second, in whatever order, changes nothing.

        The browser's return, the webhook and the job all end here, one after the other by the locks on the order
        and the payment.
        """
        found = await self._payments.lock_with_order(payment_id)
        if found is None:
            raise PaymentNotFound(f"There is no payment {payment_id}.")
        order, payment = found
        payment.asked_at = utc_now()
        if PaymentStatus(payment.status) in OVER:
            return
        payment.reference = charge.reference or payment.reference
        payment.status, payment.failure_code = charge.status, charge.failure_code
        if charge.status in OVER:
            await self._end(order, payment, charge)
        await self._payments.flush()

    async def note_dispute(self, payment_id: int, *, is_disputed: bool) -> None:
        """Note that the payment is disputed, which staff are told, or no longer is."""
        found = await self._payments.lock_with_order(payment_id)
        if found is None or (found[1].disputed_at is not None) == is_disputed:
            return
        order, payment = found
        payment.disputed_at = utc_now() if is_disputed else None
        if is_disputed:
            _log.error("payment_disputed", payment_id=payment.id)
            told = (payment.id, order.id, payment.provider, str(payment.amount), payment.currency)
            await publish(self._session, PaymentDisputed(*told))

    async def receive(self, provider: str, event: WebhookEvent) -> None:
        """Store what a provider sent and have the worker look into it; what came before is only acknowledged."""
        webhook_id = await self._payments.keep_webhook(provider, event)
        if webhook_id is not None:
            await publish(self._session, WebhookReceived(webhook_id))

    async def _end(self, order: Order, payment: Payment, charge: Charge) -> None:
        payment.status = charge.status
        if charge.status is PaymentStatus.SUCCEEDED:
            if charge.amount != payment.amount:
                _log.error("captured_another_amount", payment_id=payment.id)
                payment.amount = charge.amount
            payment.captured_at = utc_now()
        told = (payment.id, order.id, payment.provider, str(payment.amount), payment.currency)
        await publish(self._session, OVER[charge.status](*told))
        is_part = await self._payments.due(order.id) > 0
        if charge.status is PaymentStatus.SUCCEEDED and not (is_part and order.status == OrderStatus.PENDING):
            await self._pay(order, payment, is_part=is_part)
        elif order.payment_status == OrderPaymentStatus.PENDING:
            order.payment_status = OrderPaymentStatus.UNPAID

    async def _pay(self, order: Order, payment: Payment, *, is_part: bool) -> None:
        """Money is there: the order goes on, or the money goes back."""
        # One that somebody called off stays off; only an order that ran out of time is still wanted. Of that a part
        # may have gone back meanwhile: what is left pays for nothing.
        is_wanted = not is_part and not await self._payments.was_cancelled(order.id)
        if not (is_wanted and await self._orders.mark_paid(order)):
            await publish(self._session, PaymentUnwanted(payment.id, order.id))


def _as_asked(order: Order, payment: Payment) -> UnderWay:
    request = ChargeRequest(
        key=provider_key(payment.id, "charge"),
        payment_id=payment.id,
        order_number=order.number,
        amount=payment.amount,
        currency=payment.currency,
        card=Card(payment.card) if payment.card else None,
    )
    return UnderWay(
        payment.id,
        payment.provider,
        PaymentStatus(payment.status),
        payment.reference,
        request,
        is_wanted=order.status not in _CLOSED,
    )
