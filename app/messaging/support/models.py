"""Messages about orders."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id

LONGEST = 2000
"""Characters of a message."""


class SupportMessage(Base):
    """What somebody wrote about an order; `is_staff` as what they were then."""

    __tablename__ = "support_messages"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    is_staff: Mapped[bool]
    content: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(f"char_length(content) BETWEEN 1 AND {LONGEST}", name="length"),
        Index("ix_support_messages_order_id", "order_id", "id"),
    )
