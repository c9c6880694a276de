"""What people chose, the notifications that the shop itself shows them, and those on their way to them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class NotificationChoice(Base):
    """Somebody's word on one category by one channel; without a row the default holds."""

    __tablename__ = "notification_choices"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    category: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(primary_key=True)
    is_on: Mapped[bool]

    __table_args__ = (
        CheckConstraint("category IN ('account', 'orders', 'stock', 'news')", name="category"),
        CheckConstraint("channel IN ('mail', 'in_app', 'sms', 'push')", name="channel"),
    )


class Notification(Base):
    """One line of somebody's list. Its text is made when it is read, from the kind and the details."""

    __tablename__ = "notifications"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[int]
    kind: Mapped[str]
    subject: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    read_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_id", "user_id", "kind"),
        Index("ix_notifications_user_id", "user_id", "created_at", "id"),
        Index("ix_notifications_unread", "user_id", "kind", postgresql_where=text("read_at IS NULL")),
        Index("ix_notifications_created_at", "created_at"),
        Index("ix_notifications_read_at", "read_at", postgresql_where=text("read_at IS NOT NULL")),
    )


class NotificationDelivery(Base):
    """A notification on its way by SMS or push: once for each event, account, channel and kind.

    `reached` are the subscriptions that a push message is done with, so that another try goes to the others alone.
    """

    __tablename__ = "notification_deliveries"

    id: Mapped[Id]
    event_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    channel: Mapped[str]
    kind: Mapped[str]
    subject: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="queued")
    reached: Mapped[list[int]] = mapped_column(ARRAY(BigInteger()), server_default="{}")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_id", "user_id", "channel", "kind"),
        CheckConstraint("channel IN ('sms', 'push')", name="channel"),
        CheckConstraint("state IN ('queued', 'sent', 'refused', 'dropped')", name="state"),
    )
