"""The audit log: every security and staff write, in its transaction, append-only, chained by hash."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import LargeBinary, Row, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import utc_now
from app.core.db.locks import AdvisoryLock, acquire
from app.core.db.models import Base, Id
from app.core.http.request_info import current_request
from app.core.redaction import is_secret

_PENDING = "audit_entries"
_MASK = "***"
_LONGEST_TEXT = 1000
_LARGEST_INTEGER = 2**63 - 1


Changes = Mapping[str, tuple[object, object]]
"""Field → (old, new)."""


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


_HASHED = (
    "at",
    "action",
    "actor_id",
    "session_id",
    "api_key_id",
    "ip",
    "user_agent",
    "request_id",
    "target",
    "target_id",
    "changes",
)
"""The fields under the hash, in this order for ever: another order would break every chain."""


def record_audit(
    session: AsyncSession,
    action: str,
    target: tuple[str, object],
    changes: Changes | None = None,
    *,
    actor_id: int | None = None,
) -> None:
    """Record what is being done to the target, such as `("user", 7)`; `changes` maps fields to (old, new).

    Secrets are masked by the field's name. The actor is the request's caller unless named.
    The entry is written when the transaction commits, and with it, or not at all.
    """
    request = current_request()
    entry = {
        "at": utc_now(),
        "action": action,
        "actor_id": request.user_id if actor_id is None else actor_id,
        "session_id": request.session_id,
        "api_key_id": request.api_key_id,
        "ip": request.ip,
        "user_agent": _text(request.user_agent),
        "request_id": request.request_id,
        "target": target[0],
        "target_id": _text(str(target[1])),
        "changes": {name: [_kept(name, value) for value in pair] for name, pair in (changes or {}).items()},
    }
    session.info.setdefault(_PENDING, []).append(entry)


def actor_for(user_id: int) -> int:
    """Who ends what the account has: the request's caller, else the account itself, as when it resets its password."""
    return current_request().user_id or user_id


def record_edit(session: AsyncSession, action: str, target: tuple[str, object], changes: Changes) -> None:
    """Record an edit as `record_audit` does; one that changes nothing leaves no entry."""
    if changes:
        record_audit(session, action, target, changes)


def differences(entity: object, values: Mapping[str, object]) -> dict[str, tuple[object, object]]:
    """What setting these values would change of the entity: field → (old, new)."""
    pairs = {name: (getattr(entity, name, None), value) for name, value in values.items()}
    return {name: (old, new) for name, (old, new) in pairs.items() if old != new}


async def write_audit(session: AsyncSession) -> None:
    """Append the transaction's entries to the chain; the last thing before its commit.

    Everyone who audits waits here for whoever came before to commit. So late, the wait is
    short, and nobody waits for a row while others wait for the chain.
    """
    entries: list[dict[str, Any]] = session.info.pop(_PENDING, [])
    if not entries:
        return
    # A statement of its own: the next one's snapshot then sees what the lock's last holder committed.
    await session.execute(acquire(AdvisoryLock.AUDIT_CHAIN))
    newest = await session.scalar(select(AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1))
    previous = newest or b""
    for entry in entries:
        entry["previous_hash"] = previous
        entry["hash"] = previous = _chained(previous, [entry[name] for name in _HASHED])
    await session.execute(insert(AuditEntry).execution_options(render_nulls=True), entries)


def entry_hash(entry: AuditEntry | Row[*tuple[Any, ...]]) -> bytes:
    """What the entry's hash must be, after the hash that it names as the one before it."""
    return _chained(entry.previous_hash, [getattr(entry, name) for name in _HASHED])


def _chained(previous: bytes, fields: list[Any]) -> bytes:
    at, *rest = fields
    body = orjson.dumps([at.isoformat(), *rest], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(previous + body).digest()


def _kept(name: str, value: object) -> object:
    if is_secret(name):
        return None if value is None else _MASK
    if isinstance(value, Mapping):
        return {_text(str(key)): _kept(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_kept(name, inner) for inner in value]
    if isinstance(value, set | frozenset):
        return sorted(_text(str(inner)) for inner in value)
    if value is None or (isinstance(value, int) and abs(value) <= _LARGEST_INTEGER):
        return value
    # JSONB rewrites numbers that are not integers (1e3, -0.0), which would break the hash: they stay text.
    return _text(str(value))


def _text(value: str) -> str:
    """As PostgreSQL can store it: no NUL, no unpaired surrogates, of bounded length."""
    storable = value.replace("\0", "\ufffd").encode(errors="replace").decode()
    return storable if len(storable) <= _LONGEST_TEXT else storable[: _LONGEST_TEXT - 1] + "…"
