"""What buyers send back."""

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped


class ReturnStatus(StrEnum):
    """How far a return is."""

    REQUESTED = "requested"
    APPROVED = "approved"
    RECEIVED = "received"
    REFUNDED = "refunded"
    REJECTED = "rejected"


class Return(Timestamped, Base):
    """Pieces of an order that come back. `lines` holds `{line_id, quantity, received, damaged}` of each."""

    __tablename__ = "returns"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), index=True)
    status: Mapped[str]
    reason: Mapped[str]
    note: Mapped[str | None]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    refund_id: Mapped[int | None] = mapped_column(ForeignKey("refunds.id"))

    __table_args__ = (
        Index("ix_returns_status_id", "status", "id"),
        Index("ix_returns_created_at", "created_at"),
    )
