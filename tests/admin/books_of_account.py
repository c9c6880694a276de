"""Orders, payments and refunds of moments that tests choose, written without the shop's own doing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Order, OrderLine, Payment, Refund, RefundStatus


async def a_sale(
    session: AsyncSession,
    at: datetime,
    *lines: tuple[int, int, int],
    is_paid: bool = True,
    **columns: object,
) -> Order:
    """An order with lines of `(item_id, quantity, unit price)`, placed ten minutes before it was paid at `at`."""
    cost = sum((Decimal(quantity * price) for _, quantity, price in lines), Decimal(0))
    placed = at - timedelta(minutes=10) if is_paid else at
    values: dict[str, object] = {
        "channel": "web",
        "status": "delivered" if is_paid else "pending",
        "payment_status": "paid" if is_paid else "unpaid",
        "fulfilment_status": "delivered" if is_paid else "unfulfilled",
        "currency": "EUR",
        "is_gross": True,
        "subtotal": cost,
        "discount": Decimal(0),
        "tax": Decimal(0),
        "shipping": Decimal(0),
        "total": cost,
        "created_at": placed,
        "paid_at": at if is_paid else None,
    }
    order = Order(**(values | columns))
    session.add(order)
    await session.flush()
    session.add_all(_lines(order.id, lines))
    await session.flush()
    return order


async def a_payment(session: AsyncSession, order: Order, at: datetime) -> Payment:
    """A payment of the whole order that was begun then."""
    payment = Payment(
        order_id=order.id,
        provider="fake",
        status="failed",
        amount=order.total,
        currency=order.currency,
        created_at=at,
    )
    session.add(payment)
    await session.flush()
    return payment


async def a_refund(
    session: AsyncSession,
    order: Order,
    at: datetime,
    amount: int,
    status: RefundStatus = RefundStatus.SUCCEEDED,
) -> Refund:
    """Money given back for the order then."""
    refund = Refund(
        order_id=order.id,
        amount=Decimal(amount),
        currency=order.currency,
        status=status,
        reason="Late",
        created_at=at,
    )
    session.add(refund)
    await session.flush()
    return refund


def _lines(order_id: int, lines: Sequence[tuple[int, int, int]]) -> list[OrderLine]:
    return [
        OrderLine(
            order_id=order_id,
            position=position,
            item_id=item_id,
            kind="book",
            title=f"Book {item_id}",
            quantity=quantity,
            unit_price=Decimal(price),
            tax_class="print",
            tax_rate=Decimal("0.07"),
            tax=Decimal(0),
            discount=Decimal(0),
            line_total=Decimal(quantity * price),
        )
        for position, (item_id, quantity, price) in enumerate(lines, 1)
    ]
