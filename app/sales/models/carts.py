"""Carts: of an account, or of a guest who knows the cart's token."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id


class Cart(Base):
    """What somebody means to buy. Either an account's only one, or a guest's, which ends at `expires_at`.

    `version` counts the changes of the cart and of its lines.
    """

    __tablename__ = "carts"

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    coupon: Mapped[str | None]
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """What a merge could not keep: told at every read until the cart is next changed."""
    version: Mapped[int] = mapped_column(server_default="1")
    expires_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("user_id"),
        UniqueConstraint("token_hash"),
        CheckConstraint("(user_id IS NULL) <> (token_hash IS NULL)", name="one_owner"),
        Index("ix_carts_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )


class CartLine(Base):
    """So many of an item, with the price at which it was last put in or kept."""

    __tablename__ = "cart_lines"

    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    quantity: Mapped[int] = mapped_column(Integer)
    seen_price: Mapped[Decimal] = mapped_column(MONEY)
    added_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())

    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 99", name="quantity"),
        Index("ix_cart_lines_item_id", "item_id"),
    )


class CartQuarter(Base):
    """How many carts of guests, which are gone, were last filled in a quarter of an hour: what is kept of them."""

    __tablename__ = "cart_quarters"

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    carts: Mapped[int]
