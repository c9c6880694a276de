"""Orders: what was bought, as it was when it was bought, and what became of it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned

RATE = Numeric(6, 5)


class Order(Timestamped, Versioned, Base):
    """A purchase. What it says of goods, prices and addresses is a copy, which no later change touches.

    `is_gross`: the prices contain the tax. `pickup_code` is there while it lies ready for its buyer. `expires_at` is set while it is unpaid. The number tells
    nobody how many orders there are: successive ones are spread over all of them.
    """

    __tablename__ = "orders"
    # What the database computes comes back with each write.
    __mapper_args__ = {"version_id_col": Versioned.version, "eager_defaults": True}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    # 57,483,923 has no factor in common with 10^8, so that every number comes once before one comes again.
    number: Mapped[str] = mapped_column(
        Computed("'ORD-' || lpad((id * 57483923 % 100000000)::text, 8, '0')", persisted=True)
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    channel: Mapped[str]
    status: Mapped[str]
    payment_status: Mapped[str]
    fulfilment_status: Mapped[str]
    currency: Mapped[str]
    is_gross: Mapped[bool]
    subtotal: Mapped[Decimal] = mapped_column(MONEY)
    discount: Mapped[Decimal] = mapped_column(MONEY)
    tax: Mapped[Decimal] = mapped_column(MONEY)
    shipping: Mapped[Decimal] = mapped_column(MONEY)
    total: Mapped[Decimal] = mapped_column(MONEY)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    shipping_option: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    applied_discounts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    coupon: Mapped[str | None]
    pickup_code: Mapped[str | None]
    notes: Mapped[str | None]
    expires_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    shipped_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("number"),
        CheckConstraint("least(subtotal, discount, tax, shipping, total) >= 0", name="no_negative_amount"),
        Index("ix_orders_user_id_id", "user_id", "id"),
        Index("ix_orders_status_id", "status", "id"),
        Index("ix_orders_created_at_id", "created_at", "id"),
        Index("ix_orders_paid_at", "paid_at", postgresql_where=text("paid_at IS NOT NULL")),
        Index("ix_orders_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
    )

    @property
    def is_pickup(self) -> bool:
        """Whether its buyer comes for it."""
        return self.shipping_option is not None and bool(self.shipping_option.get("is_pickup"))


class OrderLine(Base):
    """A line of an order. `line_total` is before the discount; the item may be gone."""

    __tablename__ = "order_lines"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    item_id: Mapped[int]
    kind: Mapped[str]
    title: Mapped[str]
    isbn: Mapped[str | None]
    sku: Mapped[str | None]
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price: Mapped[Decimal] = mapped_column(MONEY)
    tax_class: Mapped[str]
    tax_rate: Mapped[Decimal] = mapped_column(RATE)
    tax: Mapped[Decimal] = mapped_column(MONEY)
    discount: Mapped[Decimal] = mapped_column(MONEY)
    line_total: Mapped[Decimal] = mapped_column(MONEY)

    __table_args__ = (
        UniqueConstraint("order_id", "position"),
        CheckConstraint("quantity BETWEEN 1 AND 1000", name="quantity"),
        CheckConstraint("discount BETWEEN 0 AND line_total", name="discount"),
        Index("ix_order_lines_item_id", "item_id"),
    )


class OrderPart(Base):
    """What stock a line takes: its item, or each part of a bundle. The `reserved` of all parts are those of the stock."""

    __tablename__ = "order_parts"

    line_id: Mapped[int] = mapped_column(ForeignKey("order_lines.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    quantity: Mapped[int] = mapped_column(Integer)
    reserved: Mapped[int] = mapped_column(Integer, server_default="0")
    shipped: Mapped[int] = mapped_column(Integer, server_default="0")
    returned: Mapped[int] = mapped_column(Integer, server_default="0")

    __table_args__ = (
        CheckConstraint("reserved >= 0 AND reserved + shipped <= quantity", name="reserved"),
        CheckConstraint("returned BETWEEN 0 AND shipped", name="returned"),
        Index("ix_order_parts_reserved", "item_id", postgresql_where=text("reserved > 0")),
    )


class OrderEvent(Base):
    """An entry of an order's timeline; buyers see the public ones."""

    __tablename__ = "order_events"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    actor_id: Mapped[int | None]
    note: Mapped[str | None]
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    is_public: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())


class Shipment(Base):
    """A parcel on its way; `lines` holds `{line_id, quantity}` of each."""

    __tablename__ = "shipments"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    carrier: Mapped[str | None]
    tracking: Mapped[str | None]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
