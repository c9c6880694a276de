"""Buyers with full carts, and the tokens by which they buy."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import asyncpg
from pydantic import SecretStr

from app.core.clock import utc_now
from app.core.settings.groups import JwtSettings
from app.identity.permissions import Permission, Role
from app.identity.tokens import Grant, TokenIssuer

_SCOPES = frozenset({Permission.ORDERS_READ.value, Permission.ORDERS_WRITE.value})
_LIFETIME = timedelta(days=1)
_USERS = """
    INSERT INTO users (username, email, email_key, password_hash, is_verified)
    SELECT name, name || '@example.com', name || '@example.com', '!', true
    FROM (SELECT 'buyer-' || n AS name FROM generate_series(1, $1) AS n) AS buyers
    RETURNING id
"""
_SESSIONS = """
    INSERT INTO auth_sessions (id, user_id, scopes, factors, device, ip, expires_at)
    SELECT session, buyer, $3, '{pwd}', 'bench', '127.0.0.1', now() + interval '1 day'
    FROM unnest($1::uuid[], $2::bigint[]) AS opened (session, buyer)
"""
# The same price for all, so that every cart costs the same; each has its lines among thousands of items.
_GOODS = ("UPDATE items SET price = 10", "UPDATE stock_levels SET on_hand = 900000", "VACUUM ANALYZE")
_EMPTY = "DELETE FROM cart_lines"
_CARTS = "INSERT INTO carts (user_id) SELECT unnest($1::bigint[]) ON CONFLICT DO NOTHING"
_FILL = """
    INSERT INTO cart_lines (cart_id, item_id, quantity, seen_price)
    SELECT carts.id, CASE WHEN $1 AND place = 1 THEN 1 ELSE 1 + (carts.id * 3 + place + $2 * 37) % 20000 END, 1, 10
    FROM carts, generate_series(1, 3) AS place
"""


class Buyer(NamedTuple):
    """An account and its access token."""

    user_id: int
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks."""
        return {"Authorization": f"Bearer {self.token}"}


async def make_buyers(
    connection: asyncpg.Connection, environment: dict[str, str], count: int
) -> Sequence[Buyer]:
    """Accounts with a session each, empty carts, and goods enough for all of them."""
    user_ids = [row["id"] for row in await connection.fetch(_USERS, count)]
    sessions = [uuid.uuid4() for _ in user_ids]
    await connection.execute(_SESSIONS, sessions, user_ids, sorted(_SCOPES))
    await connection.execute(_CARTS, user_ids)
    for statement in _GOODS:
        await connection.execute(statement)
    settings = JwtSettings(secret=SecretStr(environment["JWT_SECRET"]), access_ttl=86_400)
    issuer = TokenIssuer(settings, environment["PUBLIC_URL"])
    ends_at = utc_now() + _LIFETIME
    return [
        Buyer(user_id, issuer.issue(Grant(user_id, str(session), Role.USER, _SCOPES, ends_at))[0])
        for user_id, session in zip(user_ids, sessions, strict=True)
    ]


async def fill_carts(connection: asyncpg.Connection, shift: int, *, is_hot: bool = False) -> None:
    """Put three items into each cart, others for each `shift`; with `is_hot` the first is everybody's."""
    await connection.execute(_EMPTY)
    await connection.execute(_FILL, is_hot, shift)
    await connection.execute("VACUUM ANALYZE cart_lines, stock_levels")
