"""Reads what mails about orders say."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Order, OrderLine, Shipment
from app.sales.pricing import round_money


class MailedLine(BaseModel):
    """A line as a mail has it, its total as text."""

    quantity: int
    title: str
    total: str


class MailedOrder(BaseModel):
    """Whose order it is, and what its mail says; of one about a parcel, what is in that."""

    user_id: int
    number: str
    currency: str
    total: str
    lines: list[MailedLine]
    carrier: str | None = None
    tracking: str | None = None
    pickup_code: str | None = None


async def find_mailed_order(
    session: AsyncSession, order_id: int, shipment_id: int | None = None
) -> MailedOrder | None:
    """The order with its lines, or with those of one parcel; None without them, or of a buyer without an account, who
    gets no mail.
    """
    order = (await session.scalars(select(Order).where(Order.id == order_id))).one_or_none()
    if order is None or order.user_id is None:
        return None
    parcel = None if shipment_id is None else await session.get(Shipment, shipment_id)
    if shipment_id is not None and parcel is None:
        return None
    wanted = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.position)
    lines = (await session.scalars(wanted)).all()
    return MailedOrder(
        user_id=order.user_id,
        number=order.number,
        currency=order.currency,
        total=_money(order.total, order.currency),
        lines=_lines(order, lines, parcel),
        carrier=parcel.carrier if parcel else None,
        tracking=parcel.tracking if parcel else None,
        pickup_code=order.pickup_code,
    )


def _lines(order: Order, lines: Sequence[OrderLine], parcel: Shipment | None) -> list[MailedLine]:
    quantities = {line.id: line.quantity for line in lines}
    if parcel is not None:
        quantities = {one["line_id"]: one["quantity"] for one in parcel.lines}
    return [
        MailedLine(
            quantity=quantities[line.id],
            title=line.title,
            total=_money(line.line_total - line.discount, order.currency),
        )
        for line in lines
        if line.id in quantities
    ]


def _money(amount: Decimal, currency: str) -> str:
    # Without marks of thousands: what is one in English is a decimal comma in German.
    return f"{round_money(amount, currency):f}"
