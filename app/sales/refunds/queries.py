"""Reads of refunds."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.sales.errors import no_order
from app.sales.models import Order, Payment, PaymentStatus, Refund, RefundPart, RefundStatus
from app.sales.payments.queries import KEPT
from app.sales.refunds.schemas import RefundOut, RefundsOut

_PART = func.jsonb_build_object(
    "payment_id",
    RefundPart.payment_id,
    "provider",
    Payment.provider,
    "amount",
    RefundPart.amount,
    "status",
    RefundPart.status,
    "failure_code",
    RefundPart.failure_code,
)
_PARTS = (
    select(func.jsonb_agg(aggregate_order_by(_PART, RefundPart.id), type_=JSONB))
    .join(Payment, Payment.id == RefundPart.payment_id)
    .where(RefundPart.refund_id == Refund.id)
    .correlate(Refund)
    .scalar_subquery()
)


def _refunds() -> Select[Any]:
    return select(
        Refund.id,
        Refund.amount,
        Refund.currency,
        Refund.status,
        Refund.reason,
        Refund.lines,
        Refund.is_restocked.label("restocked"),
        Refund.created_at,
        _PARTS.label("parts"),
        snapshot_text,
    )


async def get_refund(connection: AsyncConnection, refund_id: int) -> ReadResult:
    """A refund that there is."""
    row = (await connection.execute(_refunds().where(Refund.id == refund_id))).one()
    return ReadResult(RefundOut.model_validate(row), row.snapshot)


async def list_refunds(connection: AsyncConnection, number: str, user_id: int | None) -> ReadResult:
    """All refunds of an order; with `user_id` only if it is theirs. Raises OrderNotFound."""
    order = select(Order.id, Order.currency, KEPT.label("refundable"), snapshot_text).where(
        Order.number == number
    )
    if user_id is not None:
        order = order.where(Order.user_id == user_id)
    found = (await connection.execute(order)).one_or_none()
    if found is None:
        raise no_order(number)
    rows = await connection.execute(_refunds().where(Refund.order_id == found.id).order_by(Refund.id))
    items = [RefundOut.model_validate(row) for row in rows]
    return ReadResult(
        RefundsOut(items=items, refundable=found.refundable, currency=found.currency), found.snapshot
    )


async def find_kept(connection: AsyncConnection, order_id: int) -> Decimal:
    """What was paid for the order, without what has gone back."""
    back = select(func.coalesce(func.sum(RefundPart.amount), 0)).where(
        RefundPart.payment_id == Payment.id, RefundPart.status == RefundStatus.SUCCEEDED
    )
    kept = select(func.coalesce(func.sum(Payment.amount - back.scalar_subquery()), Decimal(0)))
    paid = kept.where(Payment.order_id == order_id, Payment.status == PaymentStatus.SUCCEEDED)
    return Decimal(await connection.scalar(paid) or 0)


async def find_pending_refunds(connection: AsyncConnection, payment_id: int) -> Sequence[int]:
    """The ids of refunds of which the payment's provider has not said yet what became of them."""
    pending = select(RefundPart.refund_id).where(
        RefundPart.payment_id == payment_id, RefundPart.status == RefundStatus.PENDING
    )
    return sorted(set((await connection.scalars(pending)).all()))
