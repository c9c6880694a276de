"""Reads of payments."""

from decimal import Decimal

from sqlalchemy import case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.sales.errors import no_order
from app.sales.models import Order, Payment, PaymentStatus, PaymentWebhook
from app.sales.payments.schemas import PaymentBegunOut, PaymentOut, PaymentsOut

_COLUMNS = tuple(Payment.__table__.c[name] for name in PaymentOut.model_fields)
KEPT = (
    select(func.coalesce(func.sum(Payment.amount - Payment.refunded), Decimal(0)))
    .where(Payment.order_id == Order.id, Payment.status == PaymentStatus.SUCCEEDED)
    .correlate(Order)
    .scalar_subquery()
)
"""What was paid for the order of the statement around it, without what went back or is on its way back."""
DUE = case((Order.paid_at.is_(None), func.greatest(0, Order.total - KEPT)), else_=0)
"""What is left to pay for it: what goes back of an order that was paid is not due again."""


async def get_payment(
    connection: AsyncConnection, payment_id: int, client_secret: str | None = None
) -> ReadResult:
    """A payment that there is, as its own buyer sees it, with what their browser needs to go on."""
    wanted = select(*_COLUMNS, snapshot_text).where(Payment.id == payment_id)
    row = (await connection.execute(wanted)).one()
    payment = PaymentOut.model_validate(row)
    return ReadResult(PaymentBegunOut(**dict(payment), client_secret=client_secret), row.snapshot)


async def list_payments(connection: AsyncConnection, number: str, user_id: int | None) -> ReadResult:
    """All payments of an order; with `user_id` only if it is theirs. Raises OrderNotFound."""
    order = select(Order.id, Order.currency, DUE.label("due"), snapshot_text).where(Order.number == number)
    if user_id is not None:
        order = order.where(Order.user_id == user_id)
    found = (await connection.execute(order)).one_or_none()
    if found is None:
        raise no_order(number)
    paid = select(*_COLUMNS).where(Payment.order_id == found.id).order_by(Payment.id)
    items = [PaymentOut.model_validate(row) for row in (await connection.execute(paid)).all()]
    return ReadResult(PaymentsOut(items=items, due=found.due, currency=found.currency), found.snapshot)


async def find_payment_of(connection: AsyncConnection, webhook_id: int, kind: str = "") -> int | None:
    """The id of the payment that a provider's event is about, if it is one of ours, and its type begins so."""
    named = (PaymentWebhook.payment_id == Payment.id) & (
        Payment.reference.is_(None) | PaymentWebhook.reference.is_(None)
    )
    about = or_(Payment.reference == PaymentWebhook.reference, named)
    joined = Payment.__table__.join(PaymentWebhook, (Payment.provider == PaymentWebhook.provider) & about)
    found: int | None = await connection.scalar(
        select(Payment.id)
        .select_from(joined)
        .where(PaymentWebhook.id == webhook_id, PaymentWebhook.type.startswith(kind, autoescape=True))
        .limit(1)
    )
    return found
