"""Tables of statistics of goods: sums of days, months and years in UTC, and of quarters of an hour."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Date, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base


class Grain(StrEnum):
    """How long the sums of an item are of."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class ItemSales(Base):
    """What of an item was sold in a day, a month or a year that is over, in UTC. No foreign key: the item may be gone."""

    __tablename__ = "item_sales"

    grain: Mapped[str] = mapped_column(primary_key=True)
    starts_on: Mapped[date] = mapped_column(Date, primary_key=True)
    item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(primary_key=True)
    orders: Mapped[int]
    items: Mapped[int]
    revenue: Mapped[Decimal] = mapped_column(Numeric(18, 2))

    __table_args__ = (CheckConstraint("grain IN ('day', 'month', 'year')", name="grain"),)


class StockQuarter(Base):
    """What came into the stock and left it in a quarter of an hour, by the kind of movement."""

    __tablename__ = "stock_quarters"

    starts_at: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    came: Mapped[int]
    went: Mapped[int]
