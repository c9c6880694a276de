"""Domain events: written to the outbox in the business transaction, relayed by the worker.

An event is a frozen dataclass of JSON values, without secrets: it stays in the database.
Delivery is at least once; handlers are idempotent by the event's id.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Integer, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.models import Base, Id

CHANNEL = "outbox"
"""The NOTIFY channel that wakes the relay when the transaction commits."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. A subclass sets `type`, a stable name such as `user.registered`."""

    type: ClassVar[str]


class OutboxEvent(Base):
    """An event on its way: `available_at` is when it may be tried (again)."""

    __tablename__ = "outbox_events"

    id: Mapped[Id]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    request_id: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    available_at: Mapped[datetime] = mapped_column(server_default=func.now())
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    done_at: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_outbox_events_pending", "available_at", "id", postgresql_where=text("done_at IS NULL")),
    )


class DeadLetter(Base):
    """An event that its handlers refused too often, with the last reason."""

    __tablename__ = "dead_letters"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    error: Mapped[str]
    created_at: Mapped[datetime]
    died_at: Mapped[datetime] = mapped_column(server_default=func.now())


async def publish(session: AsyncSession, event: Event, request_id: str = "") -> None:
    """Write the event with the transaction: it leaves if, and only if, the transaction commits."""
    session.add(OutboxEvent(type=event.type, payload=asdict(event), request_id=request_id))
    await session.execute(select(func.pg_notify(CHANNEL, "")))
