"""From an access token to the owner of its session, through the hot cache."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from fastapi import Request
from pydantic import TypeAdapter

from app.core.cache.hot import CacheSpace, Entry, HotCache, Snapshot
from app.core.db.engine import Database
from app.identity.authentication.queries import find_live_session
from app.identity.permissions import Role, permissions_of
from app.identity.principal import Principal, account_group
from app.identity.tokens import AccessClaims, TokenIssuer, invalid_token


@dataclass(frozen=True, slots=True, eq=False)
class LiveSession:
    """A session under way, with its account; compared by identity, so that looking one up is cheap."""

    user_id: int
    username: str
    role: Role
    is_verified: bool
    session_id: str
    factors: tuple[str, ...]
    auth_time: datetime


_session_json = TypeAdapter(LiveSession)
_SESSIONS = CacheSpace("live_session", _session_json.dump_json, _session_json.validate_json)


async def principal_of_token(request: Request, token: str) -> Principal:
    """The owner of an access token whose session is under way; what it grants is cut to the role *now*.

    Raises InvalidToken.
    """
    state = request.app.state
    issuer: TokenIssuer = state.tokens
    return await principal_of_claims(state.cache, state.database, issuer.read(token))


async def principal_of_claims(cache: HotCache, database: Database, claims: AccessClaims) -> Principal:
    """As `principal_of_token`, for what a valid token said. Raises InvalidToken."""
    session = await _get_live_session(cache, database, claims)
    return _principal_of_session(session, claims.scopes)


async def _get_live_session(cache: HotCache, database: Database, claims: AccessClaims) -> LiveSession:
    """The session of the token with its account as they are now. Raises InvalidToken when either has ended.

    That it has ended is never kept: what is kept is dropped when the account's group is announced.
    """

    async def load() -> Entry[LiveSession]:
        async with database.reading() as connection:
            row = await find_live_session(connection, claims.session_id, claims.user_id)
        if row is None:
            raise invalid_token("The session of this token has ended; log in again.")
        session = LiveSession(
            user_id=claims.user_id,
            username=row.username,
            role=Role(row.role),
            is_verified=row.is_verified,
            session_id=str(claims.session_id),
            factors=tuple(row.factors),
            auth_time=row.authenticated_at,
        )
        return Entry(session, Snapshot(row.snapshot))

    session = await cache.get(_SESSIONS, account_group(claims.user_id), str(claims.session_id), load)
    # What is kept was found for a token of this session, which may have been another's `sub`.
    if session.user_id != claims.user_id:
        raise invalid_token("The session of this token is another account's; log in again.")
    return session


@lru_cache(maxsize=4096)
def _principal_of_session(session: LiveSession, scopes: frozenset[str]) -> Principal:
    """The owner of a session by a token of these scopes; what it grants is cut to the role *now*."""
    return Principal(
        user_id=session.user_id,
        username=session.username,
        role=session.role,
        permissions=frozenset(permissions_of(session.role) & scopes),
        is_verified=session.is_verified,
        session_id=session.session_id,
        factors=session.factors,
        auth_time=session.auth_time,
    )
