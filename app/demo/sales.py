"""Writes invented orders with all that became of them, set by set.

Nobody waits for so many checkouts. The rows are those that the services would have written: the ledger adds up to the
stock, what is set apart is what open orders take, and an order's money is what its payments and refunds say.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import MovementKind
from app.core.db.driver import driver_connection
from app.sales.models import (
    FakeTransaction,
    Order,
    OrderEvent,
    OrderLine,
    OrderPart,
    Payment,
    PaymentStatus,
    Refund,
    RefundPart,
    RefundStatus,
    Return,
    ReturnStatus,
    Shipment,
)
from app.sales.payments import fake
from app.sales.payments.port import Card, provider_key

_SENT_BACK_AFTER = timedelta(days=9)


class Outcome(StrEnum):
    """What became of an order."""

    PENDING = "pending"
    EXPIRED = "expired"
    CALLED_OFF = "called_off"
    PROCESSING = "processing"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    RETURNED = "returned"


_APART = frozenset({Outcome.PENDING, Outcome.PROCESSING})
LEFT = frozenset({Outcome.SHIPPED, Outcome.DELIVERED, Outcome.RETURNED})
_REFUNDED = frozenset({Outcome.CALLED_OFF, Outcome.RETURNED})


class Moves(NamedTuple):
    """A movement of an item's stock, before the ledger knows the balance."""

    at: datetime
    item_id: int
    delta: int
    reserved_delta: int
    kind: MovementKind
    actor_id: int | None
    order_id: int | None


@dataclass
class Sale:
    """An order with everything that belongs to it."""

    outcome: Outcome
    order: Order
    lines: list[OrderLine]
    payment: Payment | None = None
    refund: Refund | None = None
    events: list[tuple[str, datetime, int | None]] = field(default_factory=list)


async def write_sales(session: AsyncSession, sales: Sequence[Sale], staff_id: int) -> None:
    """Write them, the oldest first, as `staff_id` and the buyers would have moved them."""
    session.add_all(sale.order for sale in sales)
    await session.flush()
    for sale in sales:
        for position, line in enumerate(sale.lines, 1):
            line.order_id, line.position = sale.order.id, position
    session.add_all(line for sale in sales for line in sale.lines)
    await session.flush()
    moves: list[Moves] = []
    for sale in sales:
        session.add_all(_part(sale.outcome, line) for line in sale.lines)
        moves += _moves(sale, staff_id)
        sale.events.append(("placed", sale.order.created_at, sale.order.user_id))
        if sale.order.shipped_at is not None:
            lines = [{"line_id": line.id, "quantity": line.quantity} for line in sale.lines]
            at = sale.order.shipped_at
            session.add(Shipment(order_id=sale.order.id, carrier="DHL", lines=lines, created_at=at))
            sale.events.append(("shipped", at, staff_id))
        if sale.order.delivered_at is not None:
            sale.events.append(("delivered", sale.order.delivered_at, staff_id))
        if sale.order.cancelled_at is not None:
            kind = "cancelled" if sale.order.paid_at else "expired"
            sale.events.append((kind, sale.order.cancelled_at, None))
    await _pay(session, [sale for sale in sales if sale.order.paid_at is not None])
    await _give_back(session, [sale for sale in sales if sale.outcome in _REFUNDED], staff_id)
    for sale in sales:
        session.add_all(
            OrderEvent(order_id=sale.order.id, kind=kind, actor_id=actor_id, created_at=at)
            for kind, at, actor_id in sorted(sale.events, key=lambda event: event[1])
        )
    await session.flush()
    await _move_stock(session, moves, staff_id)


def _part(outcome: Outcome, line: OrderLine) -> OrderPart:
    pieces = line.quantity
    return OrderPart(
        line_id=line.id,
        item_id=line.item_id,
        order_id=line.order_id,
        quantity=pieces,
        reserved=pieces if outcome in _APART else 0,
        shipped=pieces if outcome in LEFT else 0,
        returned=pieces if outcome is Outcome.RETURNED else 0,
    )


def _moves(sale: Sale, staff_id: int) -> list[Moves]:
    order, moves = sale.order, []
    for line in sale.lines:
        item_id, pieces = line.item_id, line.quantity
        moves.append(
            Moves(order.created_at, item_id, 0, pieces, MovementKind.RESERVATION, order.user_id, order.id)
        )
        if order.cancelled_at is not None:
            moves.append(Moves(order.cancelled_at, item_id, 0, -pieces, MovementKind.RELEASE, None, order.id))
        if order.shipped_at is not None:
            moves.append(
                Moves(order.shipped_at, item_id, -pieces, -pieces, MovementKind.SALE, staff_id, order.id)
            )
        if sale.outcome is Outcome.RETURNED and order.delivered_at is not None:
            at = order.delivered_at + _SENT_BACK_AFTER
            moves.append(Moves(at, item_id, pieces, 0, MovementKind.RETURN, staff_id, order.id))
    return moves


async def _pay(session: AsyncSession, sales: Sequence[Sale]) -> None:
    for sale in sales:
        order = sale.order
        sale.payment = Payment(
            order_id=order.id,
            provider=fake.NAME,
            status=PaymentStatus.SUCCEEDED,
            amount=order.total,
            currency=order.currency,
            card=Card.OK,
            captured_at=order.paid_at,
            created_at=order.paid_at,
            updated_at=order.paid_at,
        )
        session.add(sale.payment)
        if order.paid_at is not None:
            sale.events.append(("paid", order.paid_at, None))
    await session.flush()
    for sale in sales:
        if sale.payment is not None:
            payment = sale.payment
            payment.reference = f"fake_ch_{payment.id}"
            session.add(
                _in_the_books(payment, provider_key(payment.id, "charge"), payment.reference, payment.amount)
            )
    await session.flush()


def _in_the_books(
    payment: Payment, key: str, reference: str, amount: Decimal, returned: str | None = None
) -> FakeTransaction:
    """As the fake provider would have it, who is asked when more is given back."""
    return FakeTransaction(
        key=key,
        reference=reference,
        returned=returned,
        payment_id=payment.id,
        amount=amount,
        currency=payment.currency,
        card=None if returned else Card.OK,
        status=PaymentStatus.SUCCEEDED,
    )


async def _give_back(session: AsyncSession, sales: Sequence[Sale], staff_id: int) -> None:
    """Refund all of each order, by a return where it had been sent."""
    parts: list[RefundPart] = []
    for sale in sales:
        order = sale.order
        is_return = sale.outcome is Outcome.RETURNED
        at = (order.delivered_at or order.cancelled_at or order.created_at) + (
            _SENT_BACK_AFTER if is_return else timedelta()
        )
        lines = [{"line_id": line.id, "quantity": line.quantity} for line in sale.lines]
        sale.refund = Refund(
            order_id=order.id,
            amount=order.total,
            currency=order.currency,
            status=RefundStatus.SUCCEEDED,
            reason="Not what was expected" if is_return else "The order was cancelled",
            lines=lines if is_return else None,
            is_restocked=is_return,
            actor_id=staff_id if is_return else None,
            created_at=at,
            updated_at=at,
        )
        session.add(sale.refund)
        sale.events.append(("refunded", at, sale.refund.actor_id))
    await session.flush()
    for sale in sales:
        refund, payment = sale.refund, sale.payment
        if refund is None or payment is None:
            continue
        payment.refunded = refund.amount
        part = RefundPart(
            refund_id=refund.id, payment_id=payment.id, amount=refund.amount, status=RefundStatus.SUCCEEDED
        )
        parts.append(part)
        if sale.outcome is Outcome.RETURNED:
            came = [
                {"line_id": line.id, "quantity": line.quantity, "received": line.quantity, "damaged": 0}
                for line in sale.lines
            ]
            session.add(
                Return(
                    order_id=refund.order_id,
                    status=ReturnStatus.REFUNDED,
                    reason=refund.reason,
                    lines=came,
                    refund_id=refund.id,
                    created_at=refund.created_at,
                    updated_at=refund.created_at,
                )
            )
    session.add_all(parts)
    await session.flush()
    payments = {sale.payment.id: sale.payment for sale in sales if sale.payment is not None}
    for part in parts:
        key = provider_key(part.payment_id, f"refund-{part.id}")
        part.reference = f"fake_re_{key}"
        payment = payments[part.payment_id]
        session.add(_in_the_books(payment, key, part.reference, part.amount, payment.reference))
    await session.flush()


async def _move_stock(session: AsyncSession, moves: Sequence[Moves], staff_id: int) -> None:
    """Write the ledger, item by item in the order of time, and bring the stock to its end.

    Before all others comes a delivery of what was sold since, so that as many can be bought as were before.
    """
    driver = await driver_connection(session)
    by_item: defaultdict[int, list[Moves]] = defaultdict(list)
    for move in moves:
        by_item[move.item_id].append(move)
    known = "SELECT item_id, on_hand FROM stock_levels WHERE item_id = ANY ($1::bigint[])"
    levels = {row["item_id"]: row["on_hand"] for row in await driver.fetch(known, list(by_item))}
    rows, reserved = [], Counter[int]()
    first = min(move.at for move in moves) - timedelta(days=1)
    for item_id, own in sorted(by_item.items()):
        taken = sum(move.reserved_delta - move.delta for move in own)
        delivery = Moves(first, item_id, taken, 0, MovementKind.RECEIPT, staff_id, None)
        for move in (delivery, *sorted(own, key=lambda move: move.at)):
            if move.delta or move.reserved_delta:
                levels[item_id] += move.delta
                reserved[item_id] += move.reserved_delta
                rows.append((*move[1:4], levels[item_id], move.kind.value, *move[5:], move.at))
    names = (
        "item_id",
        "delta",
        "reserved_delta",
        "balance_after",
        "kind",
        "actor_id",
        "order_id",
        "created_at",
    )
    await driver.copy_records_to_table("stock_movements", columns=names, records=rows)
    await driver.execute(
        "UPDATE stock_levels SET on_hand = new.on_hand, reserved = new.reserved, version = version + 1"
        " FROM unnest($1::bigint[], $2::integer[], $3::integer[]) AS new (item_id, on_hand, reserved)"
        " WHERE stock_levels.item_id = new.item_id",
        list(levels),
        list(levels.values()),
        [reserved[item_id] for item_id in levels],
    )
