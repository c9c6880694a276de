"""Reads the money that moved for an order."""

from sqlalchemy import case, func, literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.sales.errors import no_order
from app.sales.invoices.queries import is_order
from app.sales.models import Order, Payment, PaymentStatus, Refund, RefundPart, RefundStatus
from app.sales.pricing import round_money
from app.sales.transactions.schemas import LONGEST_DESCRIPTION, TransactionOut, TransactionsOut

_PAYMENTS = select(
    literal("payment").label("kind"),
    Payment.id,
    Payment.amount,
    Payment.currency,
    func.coalesce(Payment.captured_at, Payment.updated_at).label("timestamp"),
    case((Payment.provider == "gift_card", "gift card"), else_=Payment.provider).label("note"),
)
# Of a refund, what really went back: a part of it for each payment that it goes the way of.
_REFUNDS = select(
    literal("refund"),
    RefundPart.id,
    -RefundPart.amount,
    Refund.currency,
    RefundPart.updated_at,
    Refund.reason,
).join_from(RefundPart, Refund, Refund.id == RefundPart.refund_id)


async def list_transactions(connection: AsyncConnection, number: str, user_id: int | None) -> ReadResult:
    """The captured payments and the refunds that went out, the oldest first. Raises OrderNotFound."""
    known = select(Order.id, snapshot_text).where(is_order(number, user_id))
    order = (await connection.execute(known)).one_or_none()
    if order is None:
        raise no_order(number)
    moved = union_all(
        _PAYMENTS.where(Payment.order_id == order.id, Payment.status == PaymentStatus.SUCCEEDED.value),
        _REFUNDS.where(Refund.order_id == order.id, RefundPart.status == RefundStatus.SUCCEEDED.value),
    ).subquery()
    rows = await connection.execute(select(moved).order_by(moved.c.timestamp, moved.c.kind, moved.c.id))
    items = [
        TransactionOut(
            id=f"{row.kind}-{row.id}",
            kind=row.kind,
            amount=str(round_money(row.amount, row.currency)),
            currency=row.currency,
            timestamp=row.timestamp,
            description=_described(row.kind, row.note),
        )
        for row in rows
    ]
    return ReadResult(TransactionsOut(items=items), order.snapshot)


def _described(kind: str, note: str) -> str:
    text = f"Payment by {note}" if kind == "payment" else f"Refund: {note}"
    return text if len(text) <= LONGEST_DESCRIPTION else text[: LONGEST_DESCRIPTION - 1] + "…"
