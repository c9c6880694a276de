"""Writes of payments and of the events that providers send about them; the books of the fake provider."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import FakeTransaction, Order, OrderEvent, Payment, PaymentWebhook
from app.sales.models.payments import UNDER_WAY
from app.sales.payments.port import WebhookEvent
from app.sales.payments.queries import DUE

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]
"""Opens a transaction that commits at its end: what talks to providers has none open meanwhile."""


class PaymentRepository:
    """Locks and writes payments. Whoever locks both locks the order first."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_with_order(self, payment_id: int) -> tuple[Order, Payment] | None:
        """Lock the payment's order, then the payment: of two who settle it the second finds it settled."""
        of_payment = select(Payment.order_id).where(Payment.id == payment_id)
        fresh = {"populate_existing": True}
        order = await self._session.scalar(
            select(Order)
            .where(Order.id == of_payment.scalar_subquery())
            .with_for_update()
            .execution_options(**fresh)
        )
        payment = await self._session.scalar(
            select(Payment).where(Payment.id == payment_id).with_for_update().execution_options(**fresh)
        )
        return None if order is None or payment is None else (order, payment)

    async def find_by_request(self, request_key: bytes) -> Payment | None:
        """Find the payment that this very request began before."""
        return await self._session.scalar(select(Payment).where(Payment.request_key == request_key))

    async def find_under_way(self, order_id: int) -> Payment | None:
        """Find the order's payment that is not over; there is one at most."""
        return await self._session.scalar(
            select(Payment).where(Payment.order_id == order_id, text(UNDER_WAY))
        )

    async def due(self, order_id: int) -> Decimal:
        """What is left to pay for the order."""
        due: Decimal = (await self._session.scalars(select(DUE).where(Order.id == order_id))).one()
        return due

    async def add(self, payment: Payment) -> Payment:
        """Write a new payment."""
        self._session.add(payment)
        await self._session.flush()
        return payment

    async def flush(self) -> None:
        """Write what was changed."""
        await self._session.flush()

    async def was_cancelled(self, order_id: int) -> bool:
        """Whether somebody called the order off, who is not to pay for it then."""
        noted = select(OrderEvent.id).where(OrderEvent.order_id == order_id, OrderEvent.kind == "cancelled")
        return await self._session.scalar(noted.limit(1)) is not None

    async def keep_webhook(self, provider: str, event: WebhookEvent) -> int | None:
        """Store the event; its row's id, or None where it came before."""
        statement = (
            insert(PaymentWebhook)
            .values(
                provider=provider,
                event_id=event.event_id,
                type=event.type,
                payment_id=event.payment_id,
                reference=event.reference,
            )
            .on_conflict_do_nothing()
            .returning(PaymentWebhook.id)
        )
        return await self._session.scalar(statement)

    async def claim_doubtful(self, seconds: float, most: int) -> list[int]:
        """The ids of payments under way that nobody asked about for so long; they count as asked about now."""
        due = (
            select(Payment.id)
            .where(
                text(UNDER_WAY), Payment.asked_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
            )
            .order_by(Payment.asked_at)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        statement = update(Payment).where(Payment.id.in_(due.scalar_subquery())).values(asked_at=func.now())
        return sorted(await self._session.scalars(statement.returning(Payment.id)))


class FakeBooks:
    """Reads and writes what the fake provider remembers."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def enter(self, entry: FakeTransaction) -> FakeTransaction:
        """Write the entry; where its key was used before, that entry, with one call more."""
        columns = {
            name: getattr(entry, name)
            for name in ("key", "reference", "returned", "payment_id", "amount", "currency", "card", "status")
        }
        statement = (
            insert(FakeTransaction)
            .values(**columns)
            .on_conflict_do_update(
                index_elements=[FakeTransaction.key], set_={"calls": FakeTransaction.calls + 1}
            )
            .returning(FakeTransaction)
        )
        return (await self._session.scalars(statement, execution_options={"populate_existing": True})).one()

    async def find(self, reference: str, *, for_update: bool = False) -> FakeTransaction | None:
        """Find what the reference names."""
        statement = select(FakeTransaction).where(FakeTransaction.reference == reference)
        return await self._session.scalar(statement.with_for_update() if for_update else statement)

    async def returned(self, charge: FakeTransaction) -> Decimal:
        """What was given back of the charge."""
        given = select(func.coalesce(func.sum(FakeTransaction.amount), 0))
        return Decimal(
            await self._session.scalar(given.where(FakeTransaction.returned == charge.reference)) or 0
        )
