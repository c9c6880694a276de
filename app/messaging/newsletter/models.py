"""Subscriptions to the newsletter."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class NewsletterSubscription(Base):
    """An address, and whether it gets the newsletter: `pending` until its reader has confirmed it.

    Of an account it is where its address is proven; then it says the same as the profile's `newsletter`.
    """

    __tablename__ = "newsletter_subscriptions"

    id: Mapped[Id]
    email: Mapped[str]
    email_key: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    language: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="pending")
    requested_at: Mapped[datetime] = mapped_column(server_default=func.now())
    confirmed_at: Mapped[datetime | None]
    unsubscribed_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("email_key"),
        CheckConstraint("state IN ('pending', 'confirmed', 'unsubscribed')", name="state"),
        Index("ix_newsletter_subscriptions_state", "state", "requested_at"),
    )
