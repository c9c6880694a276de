"""Stock-takes: what was counted, and what should have been there."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped, Versioned


class CountStatus(StrEnum):
    """Whether a stock-take goes on, was written into the stock, or counts for nothing."""

    OPEN = "open"
    COMMITTED = "committed"
    CANCELLED = "cancelled"


class StockCount(Timestamped, Versioned, Base):
    """A stock-take: of everything, of a category and those below it, or of these items."""

    __tablename__ = "stock_counts"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    name: Mapped[str | None]
    status: Mapped[str] = mapped_column(server_default="open", default="open")
    category_id: Mapped[int | None]
    """No reference: of a category that is gone nothing is left to count."""
    item_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    opened_by: Mapped[int]
    closed_by: Mapped[int | None]
    closed_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("status IN ('open', 'committed', 'cancelled')", name="status"),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed_by_status"),
        CheckConstraint("category_id IS NULL OR item_ids IS NULL", name="one_scope"),
    )


class StockCountLine(Base):
    """So many of an item were counted; `expected`: so many were on hand when it was counted last."""

    __tablename__ = "stock_count_lines"

    count_id: Mapped[int] = mapped_column(ForeignKey("stock_counts.id", ondelete="CASCADE"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"), primary_key=True)
    counted: Mapped[int] = mapped_column(Integer)
    expected: Mapped[int] = mapped_column(Integer)
    counted_by: Mapped[int]
    counted_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("counted >= 0 AND expected >= 0", name="not_negative"),
        Index("ix_stock_count_lines_item_id", "item_id"),
    )
