"""From `X-API-Key` to its owner: through the hot cache, without network in the steady state."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from fastapi import Request
from pydantic import TypeAdapter

from app.core.cache.hot import CacheSpace, Entry, HotCache, Snapshot
from app.core.client_addresses import is_within
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.rate_limit import RateLimiter, client_address
from app.identity.authentication.api_key_format import PresentedKey, read_key
from app.identity.authentication.key_uses import KeyUses
from app.identity.authentication.queries import find_grant
from app.identity.errors import CHALLENGE, InvalidApiKey
from app.identity.permissions import SESSION_ONLY, Role, permissions_of
from app.identity.principal import Principal, account_group

_ZONE = "api_key"


@dataclass(frozen=True, slots=True, eq=False)
class KeyGrant:
    """A key that is not revoked, of an account that is open; compared by identity, for the cache below."""

    api_key_id: int
    user_id: int
    username: str
    role: Role
    is_verified: bool
    scopes: frozenset[str]
    allowed_ips: tuple[str, ...]
    expires_at: datetime | None


_grant_json = TypeAdapter(KeyGrant)
_GRANTS = CacheSpace("key_grant", _grant_json.dump_json, _grant_json.validate_json)


async def principal_of_key(request: Request, text: str) -> Principal:
    """The owner of the key; what the key grants is cut to what the owner's role allows *now*.

    Raises InvalidApiKey; RateLimited for a client that sends many unknown keys.
    """
    key = read_key(text)
    if key is None:
        raise _invalid("The API key is misspelt: its checksum is wrong.")
    grant = await _get_grant(request, key)
    if grant.expires_at is not None and grant.expires_at <= utc_now():
        raise _invalid("The API key has expired.")
    host = request.client.host if request.client else ""
    if grant.allowed_ips and not is_within(host, grant.allowed_ips):
        raise _invalid(f"The API key may not be used from {host or 'an unknown address'}.")
    uses: KeyUses = request.app.state.api_key_uses
    uses.note(grant.api_key_id)
    return _principal_of_grant(grant)


async def _get_grant(request: Request, key: PresentedKey) -> KeyGrant:
    # Kept under the owner's group, so that whatever ends or changes the account ends or changes this too.
    database: Database = request.app.state.database
    cache: HotCache = request.app.state.cache
    limiter: RateLimiter = request.app.state.rate_limiter
    client = client_address(request)

    async def load() -> Entry[KeyGrant]:
        # An unknown key is never kept, or strangers could fill the cache; so each costs a look-up. Refused
        # is only who sent one: a good key of their neighbour waits at most for theirs, two at a time.
        lane = limiter.slow_lane if limiter.is_used_up(_ZONE, client) else nullcontext()
        async with lane, database.reading() as connection:
            row = await find_grant(connection, key.owner_id, key.digest)
        if row is None:
            await limiter.take(_ZONE, client)
            raise _invalid("The API key is unknown or revoked, or its account is closed.")
        grant = KeyGrant(
            api_key_id=row.id,
            user_id=row.user_id,
            username=row.username,
            role=Role(row.role),
            is_verified=row.is_verified,
            scopes=frozenset(row.scopes),
            allowed_ips=tuple(row.allowed_ips),
            expires_at=row.ends_at,
        )
        return Entry(grant, Snapshot(row.snapshot))

    return await cache.get(_GRANTS, account_group(key.owner_id), key.digest.hex(), load)


@lru_cache(maxsize=4096)
def _principal_of_grant(grant: KeyGrant) -> Principal:
    return Principal(
        user_id=grant.user_id,
        username=grant.username,
        role=grant.role,
        permissions=frozenset((permissions_of(grant.role) & grant.scopes) - SESSION_ONLY),
        is_verified=grant.is_verified,
        api_key_id=grant.api_key_id,
    )


def _invalid(detail: str) -> InvalidApiKey:
    return InvalidApiKey(detail, headers=CHALLENGE)
