"""Money that came in and went back, as the shop keeps it; of cards it keeps nothing."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped

UNDER_WAY = "status IN ('pending', 'requires_action')"


class PaymentStatus(StrEnum):
    """How far a payment is: nobody knows yet, the buyer must do something, or it is over."""

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundStatus(StrEnum):
    """How far a refund is."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Payment(Timestamped, Base):
    """One try to pay for an order. The row is there before the provider hears of it.

    `reference` is the provider's name of it, `request_key` a hash of the request that began it, `card` the
    behaviour asked of the fake provider. `refunded` is what has gone back, or is on its way. `disputed_at` is there
    while the bank of whoever paid wants it back, or has it.
    """

    __tablename__ = "payments"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    provider: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending", default="pending")
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    refunded: Mapped[Decimal] = mapped_column(MONEY, server_default="0", default=Decimal(0))
    reference: Mapped[str | None]
    request_key: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    card: Mapped[str | None]
    failure_code: Mapped[str | None]
    captured_at: Mapped[datetime | None]
    disputed_at: Mapped[datetime | None]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("provider", "reference"),
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("refunded BETWEEN 0 AND amount", name="refunded_within_amount"),
        # Two payments at once for one order: the second finds the first.
        Index("uq_payments_under_way", "order_id", unique=True, postgresql_where=text(UNDER_WAY)),
        Index("ix_payments_created_at", "created_at"),
        Index("ix_payments_asked_at", "asked_at", postgresql_where=text(UNDER_WAY)),
    )


class PaymentWebhook(Base):
    """An event that a provider sent, once however often it came; what it says of cards and people is not kept."""

    __tablename__ = "payment_webhooks"

    id: Mapped[Id]
    provider: Mapped[str]
    event_id: Mapped[str]
    type: Mapped[str]
    payment_id: Mapped[int | None]
    reference: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("provider", "event_id"),)


class Refund(Timestamped, Base):
    """Money given back for an order: by staff, or by the shop itself where there is no `actor_id`."""

    __tablename__ = "refunds"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="pending", default="pending")
    reason: Mapped[str]
    lines: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)
    is_restocked: Mapped[bool] = mapped_column(server_default="false", default=False)
    actor_id: Mapped[int | None]
    request_key: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_refunds_created_at", "created_at", postgresql_include=["currency", "amount", "status"]),
    )


class RefundPart(Timestamped, Base):
    """What of a refund goes back the way of one payment."""

    __tablename__ = "refund_parts"

    id: Mapped[Id]
    refund_id: Mapped[int] = mapped_column(ForeignKey("refunds.id"), index=True)
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id"), index=True)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    status: Mapped[str] = mapped_column(server_default="pending", default="pending")
    reference: Mapped[str | None]
    failure_code: Mapped[str | None]
    asked_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_refund_parts_asked_at", "asked_at", postgresql_where=text("status = 'pending'")),
    )


class FakeTransaction(Base):
    """The fake provider's own books: charges, and the refunds of them, each once per idempotency key.

    `calls` counts how often it was asked for with this key; `returned` names the charge that a refund gives back.
    """

    __tablename__ = "fake_transactions"

    key: Mapped[str] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(unique=True)
    returned: Mapped[str | None] = mapped_column(index=True)
    payment_id: Mapped[int]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    card: Mapped[str | None]
    status: Mapped[str]
    calls: Mapped[int] = mapped_column(server_default="1", default=1)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
