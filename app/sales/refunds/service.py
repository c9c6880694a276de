"""Deciding on refunds, and the one function that settles what providers say of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.events.events import publish
from app.identity.principal import Principal
from app.sales.errors import no_order, require_amount
from app.sales.gift_cards.repository import GiftCardRepository
from app.sales.models import Order, OrderLine, Payment, Refund, RefundPart, RefundStatus
from app.sales.order_states import OrderPaymentStatus, OrderStatus
from app.sales.orders.events import OrderRefunded
from app.sales.orders.repository import OrderRepository
from app.sales.payments.port import ProviderRefund
from app.sales.payments.schemas import ProviderName
from app.sales.pricing import round_money
from app.sales.refunds.errors import PaymentInDispute, RefundExceedsCaptured, RefundExceedsLine
from app.sales.refunds.events import PaymentRefunded, RefundRequested
from app.sales.refunds.queries import find_kept
from app.sales.refunds.repository import RefundRepository
from app.sales.refunds.restocking import Restocking
from app.sales.refunds.schemas import RefundIn, RefundNote

_ASKED = frozenset({ProviderName.FAKE.value, ProviderName.STRIPE.value})
"""Who is asked over the network; everything else goes back at once."""


class Wanted(NamedTuple):
    """A refund as somebody wants it: who (nobody: the shop itself), why, and the request that asked for it."""

    actor_id: int | None
    reason: str
    pieces: Mapping[OrderLine, int] | None = None
    request_key: bytes | None = None
    is_restocked: bool = False


class RefundService:
    """Refunds in one transaction, which is short: no provider is asked inside."""

    def __init__(
        self,
        session: AsyncSession,
        orders: OrderRepository,
        refunds: RefundRepository,
        restocking: Restocking,
        gift_cards: GiftCardRepository,
    ) -> None:
        self._session = session
        self._orders = orders
        self._refunds = refunds
        self._restocking = restocking
        self._gift_cards = gift_cards

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        orders, refunds = OrderRepository(session), RefundRepository(session)
        return cls(session, orders, refunds, Restocking.build(session), GiftCardRepository(session))

    async def start(
        self, actor: Principal, number: str, refund: RefundIn, request_key: bytes, fresh_above: Decimal
    ) -> int:
        """Write down what is to be given back, its id; the same request again finds what it began before.

        More than `fresh_above` needs a fresh proof of who the actor is.
        Raises OrderNotFound, AmountNotInCurrency, PaymentInDispute, RefundExceedsCaptured, RefundExceedsLine, StepUpRequired.
        """
        order = await self._orders.lock_number(number)
        if order is None:
            raise no_order(number)
        begun = await self._refunds.find_by_request(request_key)
        if begun is not None:
            return begun
        pieces = None if refund.lines is None else await self._pieces(order, refund)
        amount = await self._price(order, pieces) if pieces else refund.amount or Decimal(0)
        require_amount("amount", amount, order.currency)
        if amount > fresh_above:
            actor.require_fresh()
        payments = await self._refunds.lock_captured(order.id)
        if any(payment.disputed_at for payment in payments):
            raise PaymentInDispute("Wait until its provider says how the dispute ended.")
        wanted = Wanted(actor.user_id, refund.reason, pieces, request_key, is_restocked=refund.restock)
        return await self._give_back(order, payments, amount, wanted)

    async def give_back_all(self, order_id: int, reason: str) -> None:
        """Give back what is left of what was paid for the order, by the worker, unless money revived it meanwhile."""
        order = await self._orders.lock(order_id)
        if order is not None and order.status == OrderStatus.CANCELLED:
            await self._give_back_all(order, await self._refunds.lock_captured(order_id), reason)

    async def give_back_payment(self, order_id: int, payment_id: int, reason: str) -> None:
        """Give back what is left of one payment, by the worker."""
        order = await self._orders.lock(order_id)
        if order is not None:
            payments = await self._refunds.lock_captured(order_id)
            await self._give_back_all(order, [one for one in payments if one.id == payment_id], reason)

    async def _give_back(
        self, order: Order, payments: Sequence[Payment], amount: Decimal, wanted: Wanted
    ) -> int:
        """Write down a refund of the locked order, out of these locked payments; its id. Raises RefundExceedsCaptured."""
        left = sum((one.amount - one.refunded for one in payments), Decimal(0))
        if not 0 < amount <= left:
            raise RefundExceedsCaptured(
                f"There are {left} {order.currency} left to give back.", refundable=float(left)
            )
        number, order_id = order.number, order.id
        refund = Refund(
            order_id=order_id,
            amount=amount,
            currency=order.currency,
            reason=wanted.reason,
            lines=_told(wanted.pieces),
            is_restocked=wanted.is_restocked,
            actor_id=wanted.actor_id,
            request_key=wanted.request_key,
        )
        if wanted.pieces and wanted.is_restocked:
            there = _restocked_in_vain(await self._refunds.list_refunds(order_id))
            pieces = {line: max(0, count - there[line.id]) for line, count in wanted.pieces.items()}
            await self._restocking.take_back(order, pieces, wanted.actor_id)
        refund_id = await self._refunds.add(refund)
        parts = []
        # To whoever was charged first; what a gift card paid goes back to it last.
        for payment in sorted(payments, key=lambda one: one.provider not in _ASKED):
            share = min(amount, payment.amount - payment.refunded)
            if share:
                payment.refunded += share
                amount -= share
                parts.append(RefundPart(refund_id=refund_id, payment_id=payment.id, amount=share))
        await self._refunds.add_parts(parts)
        if wanted.actor_id is not None:
            changes = {"amount": (None, str(refund.amount)), "reason": (None, wanted.reason)}
            record_audit(self._session, "order.refund_requested", ("order", order_id), changes)
        providers = {one.id: one.provider for one in payments}
        for part in parts:
            if providers[part.payment_id] not in _ASKED:
                if providers[part.payment_id] == ProviderName.GIFT_CARD:
                    await self._gift_cards.give_back(order_id, part.amount)
                await self.settle(part.id, ProviderRefund(f"{number}-{part.id}", RefundStatus.SUCCEEDED))
        return refund_id

    async def settle(self, part_id: int, outcome: ProviderRefund) -> None:
        """Bring a part of a refund to what its provider says; who comes second changes nothing."""
        order, payment, refund, part = await self._refunds.lock_part(part_id)
        number = order.number
        part.asked_at = utc_now()
        if part.status != RefundStatus.PENDING:
            return
        part.reference = outcome.reference or part.reference
        part.status, part.failure_code = outcome.status, outcome.failure_code
        if outcome.status is RefundStatus.FAILED:
            payment.refunded -= part.amount
        await self._refunds.flush()
        if outcome.status is RefundStatus.SUCCEEDED:
            told = (payment.id, order.id, payment.provider, str(part.amount), payment.currency, refund.id)
            await publish(self._session, PaymentRefunded(*told))
        await self._conclude(order, number, refund)

    async def _conclude(self, order: Order, number: str, refund: Refund) -> None:
        parts = await self._refunds.list_parts(refund.id)
        if any(part.status == RefundStatus.PENDING for part in parts):
            return
        given = sum((part.amount for part in parts if part.status == RefundStatus.SUCCEEDED), Decimal(0))
        refund.status = RefundStatus.SUCCEEDED if given == refund.amount else RefundStatus.FAILED
        if given:
            kept = await find_kept(await self._session.connection(), order.id)
            if not kept:
                order.payment_status = OrderPaymentStatus.REFUNDED
            elif order.paid_at is None or kept < order.total:
                order.payment_status = OrderPaymentStatus.PARTIALLY_REFUNDED
            told = RefundNote(refund_id=refund.id, amount=given)
            self._orders.note(order, "refunded", refund.actor_id, data=told)
            refunded = OrderRefunded(order.id, number, refund.id, str(given), user_id=order.user_id)
            await publish(self._session, refunded)

    async def _give_back_all(self, order: Order, payments: Sequence[Payment], reason: str) -> None:
        # What is disputed is the bank's to decide: staff see to it when that has ended.
        payments = [one for one in payments if one.disputed_at is None]
        left = sum((one.amount - one.refunded for one in payments), Decimal(0))
        if left:
            refund_id = await self._give_back(order, payments, left, Wanted(None, reason))
            await publish(self._session, RefundRequested(refund_id))

    async def _pieces(self, order: Order, refund: RefundIn) -> dict[OrderLine, int]:
        pieces = Counter[OrderLine]()
        lines = await self._refunds.list_lines(order.id)
        for asked in refund.lines or ():
            line = next(
                (one for one in lines if asked.line_id == one.id or asked.item_id == one.item_id), None
            )
            if line is None:
                raise RefundExceedsLine("The order has no such line.")
            pieces[line] += asked.quantity
        return dict(pieces)

    async def _price(self, order: Order, pieces: Mapping[OrderLine, int]) -> Decimal:
        """What was paid for the pieces: with the last of a line goes what rounding left. Raises RefundExceedsLine."""
        before = Counter[int]()
        for refund in await self._refunds.list_refunds(order.id):
            for told in refund.lines or () if refund.status != RefundStatus.FAILED else ():
                before[told["line_id"]] += told["quantity"]
        amount = Decimal(0)
        for line, quantity in pieces.items():
            left = line.quantity - before[line.id]
            if quantity > left:
                raise RefundExceedsLine(f"Of line {line.id} there are {left} not refunded yet.")
            paid = line.line_total - line.discount + (Decimal(0) if order.is_gross else line.tax)
            gone, going = (
                round_money(paid * count / line.quantity, order.currency)
                for count in (before[line.id], before[line.id] + quantity)
            )
            amount += going - gone
        return amount


def _restocked_in_vain(refunds: Sequence[Refund]) -> Counter[int]:
    """How many pieces of each line came back with refunds that failed, and with none that was made again."""
    there = Counter[int]()
    for refund in refunds:
        for told in refund.lines or () if refund.is_restocked else ():
            line_id, count = told["line_id"], told["quantity"]
            failed = count if refund.status == RefundStatus.FAILED else 0
            there[line_id] = max(0, there[line_id] - count) + failed
    return there


def _told(pieces: Mapping[OrderLine, int] | None) -> list[dict[str, int]] | None:
    if pieces is None:
        return None
    return [{"line_id": line.id, "quantity": quantity} for line, quantity in pieces.items()]
