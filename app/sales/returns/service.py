"""Deciding on returns."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import shop_day, shop_today
from app.identity.principal import Principal
from app.sales.errors import no_order
from app.sales.models import Order, OrderLine, OrderPart, Return, ReturnStatus
from app.sales.order_states import OrderStatus
from app.sales.orders.repository import OrderRepository
from app.sales.refunds.repository import RefundRepository
from app.sales.refunds.restocking import Restocking
from app.sales.refunds.schemas import RefundIn, RefundLineIn
from app.sales.refunds.service import RefundService
from app.sales.returns.errors import (
    IllegalReturnTransition,
    OrderNotReturnable,
    ReturnExceedsDelivered,
    ReturnWindowOver,
    no_return,
)
from app.sales.returns.repository import ReturnRepository
from app.sales.returns.schemas import Condition, ReceivedIn, ReturnIn, ReturnNote, ReturnRefundIn
from app.sales.returns.states import TRANSITIONS, ReturnAction


class ReturnService:
    """Returns in one transaction, under the lock on their order."""

    def __init__(
        self,
        session: AsyncSession,
        returns: ReturnRepository,
        orders: OrderRepository,
        refunds: RefundRepository,
    ) -> None:
        self._returns = returns
        self._orders = orders
        self._refunds = refunds
        self._restocking = Restocking.build(session)
        self._refunding = RefundService.build(session)

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, ReturnRepository(session), OrderRepository(session), RefundRepository(session))

    async def request(self, buyer: Principal, number: str, wanted: ReturnIn, days: int) -> int:
        """Ask to send pieces of the buyer's order back, within so many days of its delivery; the return's id.

        Raises OrderNotFound, OrderNotReturnable, ReturnWindowOver, ReturnExceedsDelivered.
        """
        order = await self._orders.lock_number(number, buyer.user_id)
        if order is None:
            raise no_order(number)
        if order.delivered_at is None or order.status != OrderStatus.DELIVERED:
            raise OrderNotReturnable(f"The order is {order.status}.")
        last = shop_day(order.delivered_at) + timedelta(days=days)
        if shop_today() > last:
            raise ReturnWindowOver(f"It could be sent back until {last}.")
        pieces = await self._pieces(order, wanted)
        lines = [
            {"line_id": line_id, "quantity": quantity, "received": 0, "damaged": 0}
            for line_id, quantity in pieces.items()
        ]
        asked = Return(order_id=order.id, status=ReturnStatus.REQUESTED, reason=wanted.reason, lines=lines)
        return_id = await self._returns.add(asked)
        self._note(order, asked, buyer)
        return return_id

    async def approve(self, actor: Principal, return_id: int) -> None:
        """Let the buyer send it. Raises ReturnNotFound, IllegalReturnTransition."""
        await self._move(actor, return_id, ReturnAction.APPROVE)
        await self._returns.flush()

    async def reject(self, actor: Principal, return_id: int, note: str) -> None:
        """Refuse it; what came back is in the shop all the same. Raises ReturnNotFound, IllegalReturnTransition."""
        _, found = await self._move(actor, return_id, ReturnAction.REJECT)
        found.note = note
        await self._returns.flush()

    async def receive(self, actor: Principal, return_id: int, received: ReceivedIn) -> None:
        """Take in what came back: into stock what is as new, on hand and off again what is damaged.

        Raises ReturnNotFound, IllegalReturnTransition, ReturnExceedsDelivered.
        """
        order, found = await self._move(actor, return_id, ReturnAction.RECEIVE)
        came, damaged = _came(found, received)
        found.lines = [
            {**line, "received": came[line["line_id"]], "damaged": damaged[line["line_id"]]}
            for line in found.lines
        ]
        lines = {line.id: line for line in await self._refunds.list_lines(order.id)}
        pieces = {lines[line_id]: quantity for line_id, quantity in came.items()}
        await self._restocking.take_back(order, pieces, actor.user_id, damaged=damaged)

    async def refund(
        self,
        actor: Principal,
        return_id: int,
        wanted: ReturnRefundIn,
        request_key: bytes,
        fresh_above: Decimal,
    ) -> int:
        """Give back what was paid for what came back, or another amount; the refund's id.

        Raises ReturnNotFound, IllegalReturnTransition, AmountNotInCurrency, PaymentInDispute, RefundExceedsCaptured,
        RefundExceedsLine, StepUpRequired.
        """
        begun = await self._refunds.find_by_request(request_key)
        if begun is not None:
            return begun
        order, found = await self._move(actor, return_id, ReturnAction.REFUND)
        reason = f"Return {return_id}: {found.reason}"[:200]
        if wanted.amount is not None:
            refund = RefundIn(amount=wanted.amount, reason=reason)
        else:
            lines = [
                RefundLineIn(line_id=line["line_id"], quantity=line["received"])
                for line in found.lines
                if line["received"]
            ]
            refund = RefundIn(lines=lines, reason=reason)
        refund_id = await self._refunding.start(actor, order.number, refund, request_key, fresh_above)
        found.refund_id = refund_id
        await self._returns.flush()
        return refund_id

    async def _move(self, actor: Principal, return_id: int, action: ReturnAction) -> tuple[Order, Return]:
        locked = await self._returns.lock(return_id)
        if locked is None:
            raise no_return(return_id)
        order, found = locked
        allowed = TRANSITIONS[ReturnStatus(found.status)]
        if action not in allowed:
            raise IllegalReturnTransition(f"The return is {found.status}.", allowed=sorted(allowed))
        found.status = allowed[action]
        self._note(order, found, actor)
        return order, found

    def _note(self, order: Order, found: Return, actor: Principal) -> None:
        told = ReturnNote(return_id=found.id)
        self._orders.note(order, f"return_{found.status}", actor.user_id, data=told)

    async def _pieces(self, order: Order, wanted: ReturnIn) -> Counter[int]:
        """How many pieces of each line shall go back. Raises ReturnExceedsDelivered."""
        lines = await self._refunds.list_lines(order.id)
        pieces = Counter[int]()
        for asked in wanted.lines:
            named = (one for one in lines if asked.line_id == one.id or asked.item_id == one.item_id)
            line = next(named, None)
            if line is None:
                raise ReturnExceedsDelivered("The order has no such line.")
            pieces[line.id] += asked.quantity
        there = _with_the_buyer(lines, await self._refunds.lock_parts_of(order.id))
        for other in await self._returns.list_on_their_way(order.id):
            there.subtract({line["line_id"]: line["quantity"] for line in other.lines})
        for line_id, quantity in pieces.items():
            if quantity > there[line_id]:
                raise ReturnExceedsDelivered(f"Of line {line_id} there are {there[line_id]} to send back.")
        return pieces


def _with_the_buyer(lines: Sequence[OrderLine], parts: Sequence[OrderPart]) -> Counter[int]:
    """How many whole pieces of each line left the shop and did not come back."""
    quantities = {line.id: line.quantity for line in lines}
    there: dict[int, int] = {}
    for part in parts:
        pieces = (part.shipped - part.returned) * quantities[part.line_id] // part.quantity
        there[part.line_id] = min(there.get(part.line_id, pieces), pieces)
    return Counter(there)


def _came(found: Return, received: ReceivedIn) -> tuple[Counter[int], Counter[int]]:
    """How many of each line came back, and of those damaged. Raises ReturnExceedsDelivered."""
    expected = {line["line_id"]: line["quantity"] for line in found.lines}
    came, damaged = Counter[int](), Counter[int]()
    if received.lines is None:
        return Counter(expected), damaged
    for line in received.lines:
        came[line.line_id] += line.quantity
        if line.condition is Condition.DAMAGED:
            damaged[line.line_id] += line.quantity
    for line_id, quantity in came.items():
        if quantity > expected.get(line_id, 0):
            told = f"Of line {line_id} {expected.get(line_id, 0)} were to come."
            raise ReturnExceedsDelivered(told)
    return came, damaged
