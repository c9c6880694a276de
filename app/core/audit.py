"""The audit log: every security and staff write, in its transaction, append-only, chained by hash."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import LargeBinary, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.models import Base, Id
from app.core.request_info import current_request

CHAIN_LOCK = 0x6175646974
"""Whoever writes an entry holds this transaction lock: the chain has no forks."""

_MASKED = ("password", "secret", "token", "hash", "code")
_MASK = "***"


class AuditEntry(Base):
    """One entry. `hash` is SHA-256 over the entry and the hash before it; a trigger refuses changes."""

    __tablename__ = "audit_log"

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(index=True)
    session_id: Mapped[str | None]
    api_key_id: Mapped[int | None]
    ip: Mapped[str]
    user_agent: Mapped[str]
    request_id: Mapped[str]
    target: Mapped[str]
    target_id: Mapped[str] = mapped_column(index=True)
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


async def audit(
    session: AsyncSession,
    action: str,
    target: tuple[str, object],
    changes: Mapping[str, tuple[object, object]] | None = None,
    *,
    actor_id: int | None = None,
) -> None:
    """Record what is being done to the target, such as `("user", 7)`; `changes` maps fields to (old, new).

    Secrets are masked by the field's name. The actor is the request's caller unless named.
    """
    await session.execute(select(func.pg_advisory_xact_lock(CHAIN_LOCK)))
    newest = await session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1))
    request = current_request()
    entry = AuditEntry(
        at=utc_now(),
        action=action,
        actor_id=request.user_id if actor_id is None else actor_id,
        session_id=request.session_id,
        api_key_id=request.api_key_id,
        ip=request.ip,
        user_agent=request.user_agent,
        request_id=request.request_id,
        target=target[0],
        target_id=str(target[1]),
        changes={name: _masked(name, pair) for name, pair in (changes or {}).items()},
        previous_hash=newest or b"",
    )
    entry.hash = entry_hash(entry)
    session.add(entry)
    # The next entry of this transaction reads this one's hash.
    await session.flush()


def entry_hash(entry: AuditEntry) -> bytes:
    """SHA-256 over the previous hash and every field, in a canonical form."""
    fields = [
        *(entry.at.isoformat(), entry.action, entry.actor_id, entry.session_id, entry.api_key_id),
        *(entry.ip, entry.user_agent, entry.request_id, entry.target, entry.target_id),
        entry.changes,
    ]
    body = orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(entry.previous_hash + body).digest()


def _masked(name: str, pair: tuple[object, object]) -> list[object]:
    if any(word in name for word in _MASKED):
        return [_MASK if value is not None else None for value in pair]
    return [value if isinstance(value, str | int | float | bool | None) else str(value) for value in pair]
