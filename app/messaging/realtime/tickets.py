"""Tickets: what opens one stream for a client that cannot send headers, once and soon.

Redis keeps the hash of each alone, so that whoever reads there can open nothing; taking one deletes it.
"""

import hashlib
import secrets
from dataclasses import dataclass

from pydantic import TypeAdapter

from app.core.redis import RedisClient

LIFETIME = 30
"""Seconds."""
_LONGEST = 64


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose session it is for, and what the token allowed with which it was asked for; seconds since 1970."""

    user_id: int
    session_id: str
    scopes: frozenset[str]
    expires_at: int


_ticket_json = TypeAdapter(Ticket)


async def issue_ticket(redis: RedisClient, ticket: Ticket) -> str:
    """Keep it for `LIFETIME`, and return what the client shows."""
    text = secrets.token_urlsafe(32)
    await redis.set(_key(text), _ticket_json.dump_json(ticket), ex=LIFETIME)
    return text


async def take_ticket(redis: RedisClient, text: str) -> Ticket | None:
    """What was kept under it, which nobody can take again; None for one that is unknown, used or too old."""
    if len(text) > _LONGEST:
        return None
    kept = await redis.getdel(_key(text))
    return None if kept is None else _ticket_json.validate_json(kept)


def _key(text: str) -> str:
    return f"bookstore:stream-ticket:{hashlib.sha256(text.encode()).hexdigest()}"
