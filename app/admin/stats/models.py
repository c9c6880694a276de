"""Tables of statistics: sums of what happened, so that a year is read as fast as a day."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base

_SUM = Numeric(18, 2)


class RolledUp(Base):
    """One row for each kind of sums: everything before `until` is in them, and nothing from then on."""

    __tablename__ = "rolled_up"

    kind: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


class SalesQuarter(Base):
    """What happened in a quarter of an hour, in which every day of every time zone begins and ends.

    `placed` orders, those for which a payment was `begun`, and of the `orders` that were paid what they came to.
    """

    __tablename__ = "sales_quarters"

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    placed: Mapped[int]
    begun: Mapped[int]
    orders: Mapped[int]
    items: Mapped[int]
    gross: Mapped[Decimal] = mapped_column(_SUM)
    discounts: Mapped[Decimal] = mapped_column(_SUM)
    shipping: Mapped[Decimal] = mapped_column(_SUM)
    tax: Mapped[Decimal] = mapped_column(_SUM)
    total: Mapped[Decimal] = mapped_column(_SUM)
