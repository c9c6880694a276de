"""Rows of sales that tests of one feature arrange without the others."""

from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Order


async def an_order_row(session: AsyncSession, user_id: int | None) -> int:
    """An order without lines; its id."""
    order = Order(
        user_id=user_id,
        channel="web",
        status="pending",
        payment_status="unpaid",
        fulfilment_status="unfulfilled",
        currency="EUR",
        is_gross=True,
        subtotal=Decimal(100),
        discount=Decimal(0),
        tax=Decimal(0),
        shipping=Decimal(0),
        total=Decimal(100),
    )
    session.add(order)
    await session.flush()
    return order.id
