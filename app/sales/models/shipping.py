"""How goods get to their buyers, and for how much."""

from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Integer, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Timestamped, Versioned


class ShippingMethod(Timestamped, Versioned, Base):
    """A way to send or hand over an order. Without countries it goes everywhere."""

    __tablename__ = "shipping_methods"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    carrier: Mapped[str | None]
    countries: Mapped[list[str]] = mapped_column(server_default="{}")
    price: Mapped[Decimal] = mapped_column(MONEY)
    price_per_kg: Mapped[Decimal] = mapped_column(MONEY, server_default="0")
    free_from: Mapped[Decimal | None] = mapped_column(MONEY)
    days: Mapped[int] = mapped_column(Integer)
    is_pickup: Mapped[bool] = mapped_column(server_default="false")
    refuses_po_box: Mapped[bool] = mapped_column(server_default="true")
    is_active: Mapped[bool] = mapped_column(server_default="true")

    __table_args__ = (
        CheckConstraint("price >= 0 AND price_per_kg >= 0 AND free_from >= 0", name="amounts"),
        CheckConstraint("days >= 0", name="days"),
    )


class ShippingBand(Base):
    """What a method costs up to a weight; with bands, nothing heavier than the last is sent by it."""

    __tablename__ = "shipping_bands"

    id: Mapped[Id]
    method_id: Mapped[int] = mapped_column(ForeignKey("shipping_methods.id", ondelete="CASCADE"))
    up_to_grams: Mapped[int] = mapped_column(Integer)
    price: Mapped[Decimal] = mapped_column(MONEY)

    __table_args__ = (
        UniqueConstraint("method_id", "up_to_grams"),
        CheckConstraint("up_to_grams > 0", name="up_to_grams_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )
