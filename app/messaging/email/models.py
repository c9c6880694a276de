"""Mails that were queued, tokens that prove an address without an account, and addresses that get nothing."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
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
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    language: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSONB)
    issue_id: Mapped[int | None]
    """The issue of the newsletter that it has, which nobody gets twice."""
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
        Index("ix_mail_log_waiting", "recipient", postgresql_where=text("state = 'queued'")),
        Index(
            "uq_mail_log_issue",
            "issue_id",
            "recipient",
            unique=True,
            postgresql_where=text("issue_id IS NOT NULL"),
        ),
    )


class NewsletterIssue(Base):
    """What many mails say alike. `queued_at` is when the last of its mails was queued, `recipients` how many are so far."""

    __tablename__ = "newsletter_issues"

    id: Mapped[Id]
    subject: Mapped[str]
    text: Mapped[str]
    recipients: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    queued_at: Mapped[datetime | None]


class OptInToken(Base):
    """A token that was mailed to prove that whoever reads the address wants what `purpose` and `target_id` name."""

    __tablename__ = "opt_in_tokens"

    id: Mapped[Id]
    purpose: Mapped[str]
    target_id: Mapped[int]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("purpose IN ('newsletter', 'alert')", name="purpose"),
        Index("ix_opt_in_tokens_target_id", "target_id", "purpose"),
    )


class SuppressionReason(StrEnum):
    """Why an address gets no mail: its server says that it is not there, its reader complained, or staff said so."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    MANUAL = "manual"


class MailSuppression(Base):
    """An address that gets no mails of lists any more, and of a hard bounce next to none; `detail` is what was said."""

    __tablename__ = "mail_suppressions"

    id: Mapped[Id]
    email: Mapped[str]
    email_key: Mapped[str]
    reason: Mapped[str]
    detail: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        UniqueConstraint("email_key"),
        CheckConstraint("reason IN ('hard_bounce', 'complaint', 'manual')", name="reason"),
    )
