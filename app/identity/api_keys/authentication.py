"""From `X-API-Key` to its owner: through the hot cache, without network in the steady state."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from fastapi import Request

from app.core.cache.hot import Entry, HotCache, Snapshot
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.queries import AnyRow
from app.core.rate_limit import RateLimiter, Zone, client_address
from app.identity.api_keys.addresses import is_within
from app.identity.api_keys.errors import InvalidApiKey
from app.identity.api_keys.keys import PresentedKey, read_key
from app.identity.api_keys.repository import find_grant
from app.identity.api_keys.uses import KeyUses
from app.identity.errors import CHALLENGE
from app.identity.permissions import Role, permissions_of
from app.identity.principal import Principal, account_group

_ZONE: Zone = "api_key"


@dataclass(frozen=True, slots=True)
class _Grant:
    """A key that is not revoked, of an account that is open."""

    principal: Principal
    expires_at: datetime | None
    allowed_ips: tuple[str, ...]


async def principal_of_key(request: Request, text: str) -> Principal:
    """The owner of the key; what the key grants is cut to what the owner's role allows *now*.

    InvalidApiKey; RateLimited for a client that sends many unknown keys.
    """
    key = read_key(text)
    if key is None:
        raise _invalid("The API key is misspelt: its checksum is wrong.")
    grant = _grant((await _entry(request, key)).body)
    if grant.expires_at is not None and grant.expires_at <= utc_now():
        raise _invalid("The API key has expired.")
    host = request.client.host if request.client else ""
    if grant.allowed_ips and not is_within(host, grant.allowed_ips):
        raise _invalid(f"The API key may not be used from {host or 'an unknown address'}.")
    uses: KeyUses = request.app.state.api_key_uses
    uses.note(grant.principal.api_key_id or 0)
    return grant.principal


async def _entry(request: Request, key: PresentedKey) -> Entry:
    # Kept under the owner's group, so that whatever ends or changes the account ends or changes this too.
    database: Database = request.app.state.database
    cache: HotCache = request.app.state.cache
    limiter: RateLimiter = request.app.state.rate_limiter
    client = client_address(request)

    async def load() -> Entry:
        # An unknown key is never kept, or strangers could fill the cache; so each costs a look-up.
        await limiter.refuse_beyond(_ZONE, client)
        async with database.reading() as connection:
            row = await find_grant(connection, key.owner_id, key.digest)
        if row is None:
            await limiter.check(_ZONE, client)
            raise _invalid("The API key is unknown or revoked, or its account is closed.")
        return _pack(row)

    return await cache.get(account_group(key.owner_id), f"api_key:{key.digest.hex()}", load)


def _pack(row: AnyRow) -> Entry:
    fields = {
        "api_key_id": row.id,
        "user_id": row.user_id,
        "username": row.username,
        "role": row.role,
        "is_verified": row.is_verified,
        "scopes": row.scopes,
        "allowed_ips": row.allowed_ips,
        "expires_at": row.expires_at,
    }
    snapshot = Snapshot(row.snapshot)
    return Entry(body=orjson.dumps(fields), etag=b"", headers=(), template="", snapshot=snapshot)


@lru_cache(maxsize=4096)
def _grant(body: bytes) -> _Grant:
    fields = orjson.loads(body)
    role, scopes, expires_at = Role(fields["role"]), fields["scopes"], fields["expires_at"]
    principal = Principal(
        user_id=fields["user_id"],
        username=fields["username"],
        role=role,
        permissions=frozenset(permission for permission in permissions_of(role) if permission in scopes),
        is_verified=fields["is_verified"],
        api_key_id=fields["api_key_id"],
    )
    return _Grant(
        principal=principal,
        expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
        allowed_ips=tuple(fields["allowed_ips"]),
    )


def _invalid(detail: str) -> InvalidApiKey:
    return InvalidApiKey(detail, headers=CHALLENGE)
