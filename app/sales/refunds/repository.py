"""Writes of refunds and of what stock comes back with them."""

from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import (
    Order,
    OrderLine,
    OrderPart,
    Payment,
    PaymentStatus,
    Refund,
    RefundPart,
    RefundStatus,
)

_FRESH = {"populate_existing": True}


class PendingPart(NamedTuple):
    """A part as its provider is asked for it: `charge` is the payment's reference, `reference` the refund's, if known."""

    id: int
    payment_id: int
    provider: str
    charge: str
    amount: Decimal
    currency: str
    reference: str | None


class Locked(NamedTuple):
    """A part with all that changes with it."""

    order: Order
    payment: Payment
    refund: Refund
    part: RefundPart


class RefundRepository:
    """Locks and writes refunds. The order is locked first, then payments in the order of their ids, then refunds."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_by_request(self, request_key: bytes) -> int | None:
        """The id of the refund that this very request began before."""
        return await self._session.scalar(select(Refund.id).where(Refund.request_key == request_key))

    async def lock_captured(self, order_id: int) -> Sequence[Payment]:
        """Lock what was paid for the order, whose lock the caller has."""
        paid = select(Payment).where(Payment.order_id == order_id, Payment.status == PaymentStatus.SUCCEEDED)
        locked = paid.order_by(Payment.id).with_for_update().execution_options(**_FRESH)
        return (await self._session.scalars(locked)).all()

    async def list_lines(self, order_id: int) -> Sequence[OrderLine]:
        """The order's lines."""
        lines = select(OrderLine).where(OrderLine.order_id == order_id).order_by(OrderLine.position)
        return (await self._session.scalars(lines)).all()

    async def list_refunds(self, order_id: int) -> Sequence[Refund]:
        """The order's refunds, those that failed too, the oldest first."""
        refunds = select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)
        return (await self._session.scalars(refunds)).all()

    async def add(self, refund: Refund) -> int:
        """Write a new refund; its id."""
        self._session.add(refund)
        await self._session.flush()
        return refund.id

    async def add_parts(self, parts: Sequence[RefundPart]) -> None:
        """Write the parts of a refund."""
        self._session.add_all(parts)
        await self._session.flush()

    async def lock_part(self, part_id: int) -> Locked:
        """Lock a part with its order, payment and refund."""
        found = await self._session.execute(
            select(Payment.order_id, RefundPart.payment_id, RefundPart.refund_id)
            .join(Payment, Payment.id == RefundPart.payment_id)
            .where(RefundPart.id == part_id)
        )
        order_id, payment_id, refund_id = found.one()
        get = partial(self._session.get_one, with_for_update=True, populate_existing=True)
        return Locked(
            await get(Order, order_id),
            await get(Payment, payment_id),
            await get(Refund, refund_id),
            await get(RefundPart, part_id),
        )

    async def list_pending(self, refund_id: int) -> Sequence[PendingPart]:
        """What of the refund is still to be asked for."""
        columns = (
            RefundPart.id,
            RefundPart.payment_id,
            Payment.provider,
            func.coalesce(Payment.reference, ""),
            RefundPart.amount,
            Payment.currency,
            RefundPart.reference,
        )
        pending = select(*columns).join(Payment, Payment.id == RefundPart.payment_id)
        wanted = pending.where(RefundPart.refund_id == refund_id, RefundPart.status == RefundStatus.PENDING)
        return [PendingPart(*row) for row in await self._session.execute(wanted.order_by(RefundPart.id))]

    async def list_parts(self, refund_id: int) -> Sequence[RefundPart]:
        """All parts of the refund."""
        parts = select(RefundPart).where(RefundPart.refund_id == refund_id).order_by(RefundPart.id)
        return (await self._session.scalars(parts)).all()

    async def claim_doubtful(self, seconds: float, most: int) -> Sequence[int]:
        """The ids of refunds with parts that nobody asked about for so long; they count as asked about now."""
        long_ago = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
        due = (
            select(RefundPart.id)
            .where(RefundPart.status == RefundStatus.PENDING, RefundPart.asked_at < long_ago)
            .order_by(RefundPart.asked_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        claimed = update(RefundPart).where(RefundPart.id.in_(due.scalar_subquery()))
        ids = await self._session.scalars(claimed.values(asked_at=func.now()).returning(RefundPart.refund_id))
        return sorted(set(ids))

    async def lock_parts_of(self, order_id: int) -> Sequence[OrderPart]:
        """Lock what stock the order's lines took, in the order of the items' ids."""
        parts = select(OrderPart).where(OrderPart.order_id == order_id)
        locked = parts.order_by(OrderPart.item_id, OrderPart.line_id).with_for_update()
        return (await self._session.scalars(locked.execution_options(**_FRESH))).all()

    async def flush(self) -> None:
        """Write what was changed."""
        await self._session.flush()
