"""Bills: invoices that somebody sent to the shop, and how they are told that theirs is paid."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned


class CallbackState(StrEnum):
    """Not told yet, told, or given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Bill(Timestamped, Versioned, Base):
    """An invoice under its sender's own number. With a `callback_url` that is called when it is paid.

    Of the last call: `callback_status` (None: no answer), `callback_ok` (what the answer said), `callback_error`.
    """

    __tablename__ = "bills"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    number: Mapped[str]
    title: Mapped[str | None]
    customer: Mapped[str]
    total: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    paid_at: Mapped[datetime | None]
    paid_by: Mapped[int | None]
    callback_url: Mapped[str | None]
    callback_state: Mapped[str | None]
    callback_tries: Mapped[int] = mapped_column(server_default="0", default=0)
    callback_at: Mapped[datetime | None]
    callback_status: Mapped[int | None]
    callback_ok: Mapped[bool | None]
    callback_error: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("user_id", "number", name="uq_bills_user_id_number"),
        CheckConstraint("total >= 0", name="total_not_negative"),
        CheckConstraint("callback_state IN ('pending', 'delivered', 'failed')", name="callback_state"),
        CheckConstraint("(callback_url IS NULL) = (callback_state IS NULL)", name="callback_has_state"),
        Index("ix_bills_number", "number"),
    )
