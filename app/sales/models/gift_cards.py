"""Gift cards, and the ledger of what is on them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned


class EntryKind(StrEnum):
    """Why the value of a gift card moved."""

    ISSUED = "issued"
    REDEEMED = "redeemed"
    RETURNED = "returned"


class GiftCard(Timestamped, Versioned, Base):
    """Money for whoever knows the code, of which only a hash is kept. It is good until the end of `expires_on` in the shop."""

    __tablename__ = "gift_cards"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
    last4: Mapped[str]
    currency: Mapped[str]
    balance: Mapped[Decimal] = mapped_column(MONEY)
    expires_on: Mapped[date | None] = mapped_column(Date)
    note: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(server_default="true", default=True)

    __table_args__ = (
        UniqueConstraint("code_hash"),
        CheckConstraint("balance >= 0", name="balance_not_negative"),
        Index("ix_gift_cards_created_at_id", "created_at", "id"),
    )


class GiftCardEntry(Base):
    """One entry of the ledger, written with the change of the balance, never changed: a trigger refuses."""

    __tablename__ = "gift_card_entries"

    id: Mapped[Id]
    gift_card_id: Mapped[int] = mapped_column(ForeignKey("gift_cards.id"))
    kind: Mapped[str]
    amount: Mapped[Decimal] = mapped_column(MONEY)
    balance_after: Mapped[Decimal] = mapped_column(MONEY)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    actor_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("balance_after >= 0", name="balance_not_negative"),
        CheckConstraint("(kind = 'redeemed') = (amount < 0) AND amount <> 0", name="amount_by_kind"),
        CheckConstraint("kind IN ('issued', 'redeemed', 'returned')", name="kind"),
        CheckConstraint("(kind = 'issued') = (order_id IS NULL)", name="order_by_kind"),
        Index("ix_gift_card_entries_gift_card_id_id", "gift_card_id", "id"),
        Index("ix_gift_card_entries_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    )
