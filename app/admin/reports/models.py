"""Reports that were asked for, and what became of them."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Uuid, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Timestamped


class ReportStatus(StrEnum):
    """Whether a report is being made, is there, or could not be made."""

    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


class ReportTask(Timestamped, Base):
    """A report of a period, made once. The id is by chance: nobody guesses it.

    Of an account only so many are made at once, one in each `slot`.
    """

    __tablename__ = "report_tasks"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=func.gen_random_uuid())
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    slot: Mapped[int]
    report_type: Mapped[str]
    format: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]
    tz: Mapped[str]
    status: Mapped[str] = mapped_column(server_default=ReportStatus.PROCESSING.value)
    percent: Mapped[int] = mapped_column(server_default="0")
    size: Mapped[int | None]
    error: Mapped[str | None]
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("status IN ('processing', 'done', 'failed')", name="status"),
        CheckConstraint("(status = 'done') = (size IS NOT NULL)", name="done_with_file"),
        CheckConstraint("(status = 'failed') = (error IS NOT NULL)", name="failed_with_reason"),
        CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
        CheckConstraint("since < until", name="period"),
        Index(
            "uq_report_tasks_running",
            "user_id",
            "slot",
            unique=True,
            postgresql_where=text("status = 'processing'"),
        ),
        Index("ix_report_tasks_user_id", "user_id"),
        Index("ix_report_tasks_expires_at", "expires_at"),
    )
