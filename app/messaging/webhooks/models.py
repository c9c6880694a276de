"""Webhooks, what each was sent or is to be, and each try."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db.models import Base, Id, Timestamped, Versioned


class WebhookEndpoint(Timestamped, Versioned, Base):
    """An address that hears of events.

    `failures` counts rounds of tries in a row that failed, and until `paused_until` nothing is sent: the breaker.
    `old_sealed_keys` are the keys of before the last rotations, with spaces between them, the latest first.
    """

    __tablename__ = "webhook_endpoints"
    __mapper_args__ = {"version_id_col": Versioned.version}  # noqa: RUF012 (SQLAlchemy reads it as a plain dict)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    url: Mapped[str]
    description: Mapped[str]
    events: Mapped[list[str]]
    payload: Mapped[str]
    ordered: Mapped[bool]
    all_accounts: Mapped[bool]
    sealed_keys: Mapped[str]
    old_sealed_keys: Mapped[str | None]
    old_keys_until: Mapped[datetime | None]
    public_key: Mapped[str]
    disabled_at: Mapped[datetime | None]
    disabled_reason: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    failed_at: Mapped[datetime | None]
    paused_until: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("payload IN ('full', 'thin')", name="payload"),
        CheckConstraint(
            "disabled_reason IN ('owner', 'account', 'gone', 'failures')", name="disabled_reason"
        ),
        CheckConstraint("(disabled_at IS NULL) = (disabled_reason IS NULL)", name="disabled"),
    )


class WebhookDelivery(Base):
    """One event for one webhook: `pending` until it is `delivered` or, given up, `dead`.

    `message_id` is what the receiver tells repetitions by. `due_at` is when the next try may begin; `attempts` counts
    tries and, with `attempted_at`, fences off one that was too slow to say what came of it. `body` are the very bytes
    that are signed each time. `sequence` is the event's place in the feed; what somebody sent as a test has none. `status`, `duration_ms`
    and `error` are the last try's, so that a list needs no other table. `endpoint_id` is no foreign key: a webhook is
    deleted in a moment, and the purge deletes after it what may be hundreds of thousands of these.
    """

    __tablename__ = "webhook_deliveries"

    id: Mapped[Id]
    endpoint_id: Mapped[int]
    message_id: Mapped[str]
    sequence: Mapped[int | None]
    type: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    claimed_until: Mapped[datetime | None]
    attempted_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    status: Mapped[int | None]
    duration_ms: Mapped[int | None]
    error: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("endpoint_id", "message_id"),
        CheckConstraint("state IN ('pending', 'delivered', 'dead')", name="state"),
        Index("ix_webhook_deliveries_endpoint_id", "endpoint_id", "id"),
        Index(
            "ix_webhook_deliveries_due", "endpoint_id", "due_at", postgresql_where=text("state = 'pending'")
        ),
        Index(
            "ix_webhook_deliveries_in_order",
            "endpoint_id",
            "subject",
            "sequence",
            postgresql_where=text("state NOT IN ('delivered', 'dead')"),
        ),
        Index(
            "ix_webhook_deliveries_claimed",
            "endpoint_id",
            "claimed_until",
            postgresql_where=text("claimed_until IS NOT NULL"),
        ),
    )


class WebhookTry(Base):
    """One try at a delivery, by when it began; of a delivery that is sent again and again the last ten."""

    __tablename__ = "webhook_tries"

    delivery_id: Mapped[int] = mapped_column(
        ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True
    )
    attempted_at: Mapped[datetime] = mapped_column(primary_key=True)
    url: Mapped[str]
    status: Mapped[int | None]
    duration_ms: Mapped[int]
    error: Mapped[str | None]
    answer: Mapped[str | None]
