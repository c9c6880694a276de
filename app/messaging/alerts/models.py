"""Who wants to hear that an item is back in stock, or costs less."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id


class AlertKind(StrEnum):
    """What an alert waits for."""

    BACK_IN_STOCK = "back-in-stock"
    PRICE_DROP = "price-drop"


class AlertState(StrEnum):
    """Whether an alert waits for its address to be confirmed, for what it is about, or for nothing any more."""

    PENDING = "pending"
    ACTIVE = "active"
    DONE = "done"


class ItemAlert(Base):
    """A wish to be mailed about an item, of an account (at the address that it has then) or of an address without one.

    `confirmed_at` is since when it waits, `price` what the item cost then, `done_event_id` the restock that it was told of.
    """

    __tablename__ = "item_alerts"

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    kind: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[str | None]
    email_key: Mapped[str | None]
    language: Mapped[str | None]
    below: Mapped[Decimal | None] = mapped_column(MONEY)
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(server_default=AlertState.PENDING.value)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    done_event_id: Mapped[int | None]

    __table_args__ = (
        UniqueConstraint("user_id", "item_id", "kind", name="uq_item_alerts_account"),
        UniqueConstraint("email_key", "item_id", "kind", name="uq_item_alerts_address"),
        CheckConstraint("kind IN ('back-in-stock', 'price-drop')", name="kind"),
        CheckConstraint("state IN ('pending', 'active', 'done')", name="state"),
        CheckConstraint("(user_id IS NULL) = (email_key IS NOT NULL)", name="account_or_address"),
        Index("ix_item_alerts_item_id", "item_id", "kind", "state", "confirmed_at"),
        Index("ix_item_alerts_state", "state", "created_at"),
    )
