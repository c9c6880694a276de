"""Discounts, and who has had them for what."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned

_IDS = ARRAY(BigInteger)


class Discount(Timestamped, Versioned, Base):
    """A rule: with a code for whoever knows it, without one for everybody.

    What it names is kept by id and not by foreign key: a rule of one item that went would else become one of
    everything. `used` counts, for the guard of `usage_limit`, while there is a limit; `discount_redemptions` always tell.
    """

    __tablename__ = "discounts"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    name: Mapped[str]
    code: Mapped[str | None]
    """In capitals."""
    discount_type: Mapped[str]
    value: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str]
    min_order: Mapped[Decimal] = mapped_column(MONEY, server_default="0")
    max_discount: Mapped[Decimal | None] = mapped_column(MONEY)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    usage_limit: Mapped[int | None] = mapped_column(Integer)
    per_customer_limit: Mapped[int | None] = mapped_column(Integer)
    used: Mapped[int] = mapped_column(Integer, server_default="0", default=0)
    item_ids: Mapped[list[int]] = mapped_column(_IDS, server_default="{}")
    category_ids: Mapped[list[int]] = mapped_column(_IDS, server_default="{}")
    author_ids: Mapped[list[int]] = mapped_column(_IDS, server_default="{}")
    is_exclusive: Mapped[bool] = mapped_column(server_default="false")
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    is_active: Mapped[bool] = mapped_column(server_default="true")

    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("discount_type IN ('percentage', 'fixed')", name="discount_type"),
        CheckConstraint("value > 0", name="value_positive"),
        CheckConstraint("discount_type = 'fixed' OR value <= 100", name="percentage_at_most"),
        CheckConstraint("min_order >= 0", name="min_order_not_negative"),
        CheckConstraint("max_discount > 0", name="max_discount_positive"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("least(usage_limit, per_customer_limit) >= 1", name="limits_positive"),
        CheckConstraint("used >= 0", name="used_not_negative"),
    )


class DiscountUse(Base):
    """How often a customer has had a discount, what was given back not counted."""

    __tablename__ = "discount_uses"

    discount_id: Mapped[int] = mapped_column(ForeignKey("discounts.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), primary_key=True)
    used: Mapped[int] = mapped_column(Integer)

    __table_args__ = (CheckConstraint("used >= 0", name="used_not_negative"),)


class DiscountRedemption(Base):
    """A discount that an order has had; with `released_at` it was given back."""

    __tablename__ = "discount_redemptions"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    discount_id: Mapped[int] = mapped_column(ForeignKey("discounts.id"), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    amount: Mapped[Decimal] = mapped_column(MONEY)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    released_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_discount_redemptions_discount_id", "discount_id"),
    )
