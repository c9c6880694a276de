"""Browsers that push messages go to."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class BrowserSubscription(Base):
    """One browser's subscription: its push service, its public key, and its secret, sealed."""

    __tablename__ = "push_subscriptions"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str]
    p256dh: Mapped[str]
    sealed_auth: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (UniqueConstraint("endpoint"),)
