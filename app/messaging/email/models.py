"""Mails that were queued, and what became of each."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id


class MailRecord(Base):
    """One mail. `queued` until its content leaves for the server, `handed_over` from then until the
    answer is known. The text is not kept: it holds tokens, which are made when it is sent.
    """

    __tablename__ = "mail_log"

    id: Mapped[Id]
    event_id: Mapped[int]
    template: Mapped[str]
    recipient: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    language: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(server_default="queued")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    handed_over_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("event_id", "template", "recipient"),
        CheckConstraint(
            "state IN ('queued', 'handed_over', 'sent', 'refused', 'dropped')",
            name="state",
        ),
    )
