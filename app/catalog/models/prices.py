"""Every price an item ever had, and prices that are planned."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, column, func, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import MONEY, Base, Id, Versioned

SCHEDULE_SPAN = (
    "tstzrange(starts_at, coalesce(ends_at, starts_at), CASE WHEN ends_at IS NULL THEN '[]' ELSE '[)' END)"
)
"""When a schedule sets the price: from its start until before its end; a lasting change is one moment."""


class PriceSource(StrEnum):
    """Where a price came from."""

    INITIAL = "initial"
    EDIT = "edit"
    IMPORT = "import"
    SCHEDULE = "schedule"


class ScheduleState(StrEnum):
    """What became of a planned price."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"
    OVERRIDDEN = "overridden"
    MISSED = "missed"


OPEN_STATES = (ScheduleState.PENDING, ScheduleState.ACTIVE)


class PriceChange(Base):
    """A price from this moment on; None: not for sale. Written by triggers on `items`, never changed."""

    __tablename__ = "price_changes"

    id: Mapped[Id]
    item_id: Mapped[int]
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    currency: Mapped[str]
    changed_at: Mapped[datetime]
    source: Mapped[str]
    actor_id: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("source IN ('initial', 'edit', 'import', 'schedule')", name="source"),
        Index("ix_price_changes_item_id_changed_at_id", "item_id", "changed_at", "id"),
    )


class PriceSchedule(Versioned, Base):
    """A planned price. Without `ends_at` it is a lasting change; else `regular_price` returns at the end."""

    __tablename__ = "price_schedules"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    item_id: Mapped[int] = mapped_column(ForeignKey("items.id", ondelete="CASCADE"))
    price: Mapped[Decimal] = mapped_column(MONEY)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(server_default="pending", default="pending")
    regular_price: Mapped[Decimal | None] = mapped_column(MONEY)
    actor_id: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint("price > 0", name="price_positive"),
        CheckConstraint("price <= 1000000", name="price_at_most"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("state IN ('pending', 'active', 'ended', 'overridden', 'missed')", name="state"),
        Index("ix_price_schedules_item_id_starts_at", "item_id", "starts_at"),
        Index("ix_price_schedules_pending", "starts_at", postgresql_where=text("state = 'pending'")),
        Index("ix_price_schedules_active", "ends_at", postgresql_where=text("state = 'active'")),
        ExcludeConstraint(
            (column("item_id"), "="),
            (text(SCHEDULE_SPAN), "&&"),
            name="ex_price_schedules_overlap",
            using="gist",
            where=text("state IN ('pending', 'active')"),
        ),
    )
