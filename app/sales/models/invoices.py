"""Invoices and credit notes: numbered without a gap, made once, never changed."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id


class InvoiceKind(StrEnum):
    """What is owed, or what of it is given back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class InvoiceCounter(Base):
    """The last number of a series: its row is locked from the number on until what has it is committed.

    So a transaction that is rolled back gives its number back, and nobody else took one meanwhile.
    """

    __tablename__ = "invoice_counters"

    kind: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    last: Mapped[int]


class Invoice(Base):
    """An invoice, or a credit note over a part of one; `content` is all that it says. A trigger refuses changes."""

    __tablename__ = "invoices"

    id: Mapped[Id]
    kind: Mapped[str]
    number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    refund_id: Mapped[int | None]
    currency: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    tax: Mapped[Decimal] = mapped_column(MONEY)
    total: Mapped[Decimal] = mapped_column(MONEY)
    issue_date: Mapped[date]
    due_date: Mapped[date]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        CheckConstraint("kind IN ('invoice', 'credit_note')", name="kind"),
        CheckConstraint("(kind = 'credit_note') = (refund_id IS NOT NULL)", name="credits_a_refund"),
        CheckConstraint("amount + tax = total AND least(amount, tax) >= 0", name="adds_up"),
        Index("uq_invoices_order_id", "order_id", unique=True, postgresql_where=text("kind = 'invoice'")),
        Index("uq_invoices_refund_id", "refund_id", unique=True),
        Index("ix_invoices_created_at", "created_at"),
    )


class InvoiceFile(Base):
    """The printed form, made once: the store has it by the hash of its bytes. A trigger refuses changes."""

    __tablename__ = "invoice_files"

    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
