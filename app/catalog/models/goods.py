"""What is sold, of whatever kind, and how many of it there are."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Double,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned

FOLDED = Text(collation="C")
"""Text without case and accents, by the database function `fold`; compares alike on every machine."""


_AVAILABLE = "CASE WHEN sale_policy = 'none' THEN 0 ELSE on_hand + oversell_limit - reserved END"
IS_LOW = "available <= low_stock_threshold"


class Item(Timestamped, Versioned, Base):
    """The sellable unit, of whatever kind; without a price it is listed and not yet for sale.

    `lowest_price_30d` is kept while the price stands reduced.
    """

    __tablename__ = "items"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    kind: Mapped[str]
    sku: Mapped[str | None]
    title: Mapped[str]
    title_folded: Mapped[str] = mapped_column(FOLDED, Computed("fold(title)", persisted=True))
    description: Mapped[str | None]
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    lowest_price_30d: Mapped[Decimal | None] = mapped_column(MONEY)
    currency: Mapped[str]
    weight_grams: Mapped[int | None] = mapped_column(Integer)
    tags: Mapped[list[str]] = mapped_column(server_default="{}")
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    pictures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]", default=list)
    """`{name, width, height}` of each, the main one first."""
    is_active: Mapped[bool] = mapped_column(server_default="true", default=True)
    """Off sale it is shown to nobody but its owner and moderators; a book then has no search document."""
    popularity: Mapped[float] = mapped_column(Double, server_default="0")
    """What it sold, and where that is even the score of its views, when they were last ranked; 0 without either."""

    __table_args__ = (
        UniqueConstraint("sku"),
        CheckConstraint("price > 0", name="price_positive"),
        CheckConstraint("price <= 1000000", name="price_at_most"),
        CheckConstraint("weight_grams BETWEEN 1 AND 1000000", name="weight_grams"),
        CheckConstraint("jsonb_array_length(pictures) <= 6", name="pictures_at_most"),
        Index("ix_items_title_folded_id", "title_folded", "id"),
        # Nearly everything is a book.
        Index("ix_items_kind", "kind", "title_folded", "id", postgresql_where=text("kind <> 'book'")),
        Index("ix_items_price_id", text("COALESCE(price, 10000000000)"), "id"),
        Index("ix_items_price_id_desc", text("COALESCE(price, -1)"), "id"),
        Index("ix_items_created_at_id", "created_at", "id"),
        Index("ix_items_updated_at_id", "updated_at", "id"),
        Index("ix_items_popularity_id", "popularity", "id"),
        # What stock is worth is read from this alone: the rows themselves are ten times as long.
        Index("ix_items_id_value", "id", postgresql_include=["currency", "price", "created_at"]),
        Index("ix_items_tags", "tags", postgresql_using="gin"),
        Index(
            "ix_items_title_trigrams",
            "title_folded",
            postgresql_ops={"title_folded": "gin_trgm_ops"},
            postgresql_using="gin",
        ),
    )


class SalePolicy(StrEnum):
    """What may be sold of an item: what is there, also what is to come, what is not yet out, or nothing."""

    IN_STOCK = "in_stock"
    BACKORDER = "backorder"
    PREORDER = "preorder"
    NONE = "none"


class StockLevel(Base):
    """How many of an item there are, and how many can be bought now: `available`; `version` counts the changes.

    Up to `oversell_limit` more may be reserved than are on hand, of what is sold before it is there.
    """

    __tablename__ = "stock_levels"

    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    on_hand: Mapped[int] = mapped_column(Integer, server_default="0")
    reserved: Mapped[int] = mapped_column(Integer, server_default="0")
    sale_policy: Mapped[str] = mapped_column(server_default=SalePolicy.IN_STOCK.value)
    oversell_limit: Mapped[int] = mapped_column(Integer, server_default="0")
    on_sale_at: Mapped[datetime | None]
    """Sold before, as the policy has it, but shipped no sooner."""
    available: Mapped[int] = mapped_column(Integer, Computed(_AVAILABLE, persisted=True))
    low_stock_threshold: Mapped[int | None] = mapped_column(Integer)
    """So many or fewer available are low; null: nobody wants to know."""
    version: Mapped[int] = mapped_column(server_default="1")

    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("on_hand + oversell_limit >= reserved", name="covers_reserved"),
        CheckConstraint("oversell_limit >= 0", name="oversell_limit_not_negative"),
        CheckConstraint("sale_policy IN ('in_stock', 'backorder', 'preorder', 'none')", name="sale_policy"),
        CheckConstraint("sale_policy <> 'in_stock' OR oversell_limit = 0", name="oversells_by_policy"),
        CheckConstraint("low_stock_threshold >= 0", name="low_stock_threshold_not_negative"),
        Index("ix_stock_levels_low", "item_id", postgresql_where=text(IS_LOW)),
    )


class OfferPart(Base):
    """So many of an item in one bundle: the item `offer_id`, which has no stock of its own."""

    __tablename__ = "offer_parts"

    offer_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer)
    quantity: Mapped[int] = mapped_column(Integer)

    __table_args__ = (
        CheckConstraint("quantity BETWEEN 1 AND 100", name="quantity"),
        CheckConstraint("item_id <> offer_id", name="not_itself"),
        Index("ix_offer_parts_item_id", "item_id"),
    )


class BundleLevel(Base):
    """How many of a bundle could be bought when that was last told: sales compare it with what its parts suffice for."""

    __tablename__ = "bundle_levels"

    item_id: Mapped[int] = mapped_column(
        ForeignKey("items.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    available: Mapped[int]


class MovementKind(StrEnum):
    """Why stock moved."""

    INITIAL = "initial"
    ADJUSTMENT = "adjustment"
    IMPORT = "import"
    RECEIPT = "receipt"
    RESERVATION = "reservation"
    RELEASE = "release"
    SALE = "sale"
    RETURN = "return"


class StockMovement(Base):
    """One entry of the ledger. Written with the change of the level, never changed: a trigger refuses.

    The sum of an item's `delta` is what is on hand, that of `reserved_delta` what is reserved.
    """

    __tablename__ = "stock_movements"

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(index=True)
    delta: Mapped[int] = mapped_column(Integer)
    reserved_delta: Mapped[int] = mapped_column(Integer, server_default="0")
    balance_after: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str]
    actor_id: Mapped[int | None]
    reason: Mapped[str | None]
    order_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        Index("ix_stock_movements_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        # What came and went; setting apart moves nothing.
        Index(
            "ix_stock_movements_created_at",
            "created_at",
            postgresql_include=["kind", "delta"],
            postgresql_where=text("delta <> 0"),
        ),
    )


class ItemView(Base):
    """How often an item was looked at, and the score of it (see `catalog.views`); `is_ranked`: as `Item.popularity` has it.

    `sold`: the pieces of the last 90 days, as the sales last counted them.
    No foreign key: a count must not wait for whoever edits or deletes the item.
    """

    __tablename__ = "item_views"

    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    views: Mapped[int]
    score: Mapped[float] = mapped_column(Double)
    sold: Mapped[int] = mapped_column(server_default="0")
    is_ranked: Mapped[bool] = mapped_column(server_default="false")

    __table_args__ = (Index("ix_item_views_unranked", "item_id", postgresql_where=text("NOT is_ranked")),)


class BoughtTogether(Base):
    """In how many orders of a year one item stood beside another: both ways, written anew by the sales each night.

    No foreign key, as of `ItemView`; what is gone is left out by whoever reads, and drops out with the next night.
    """

    __tablename__ = "bought_together"

    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    other_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    orders: Mapped[int] = mapped_column(Integer)
