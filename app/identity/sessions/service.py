"""Sessions: opened by a login, ended by logout, password change or an administrator."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.http.request_info import current_request
from app.identity.events import NewDevice
from app.identity.models import AuthSession, User
from app.identity.permissions import Role, permissions_of
from app.identity.principal import account_group
from app.identity.sessions.devices import device_name
from app.identity.sessions.repository import SessionRepository
from app.identity.sessions.schemas import TokenOut
from app.identity.tokens import Grant, TokenIssuer

_REFRESH_BYTES = 32
_YOUNG = timedelta(days=1)
REFRESH_PREFIX = "rt_"


class SessionService:
    """What begins and ends sessions; each change is audited and heard by every worker."""

    def __init__(self, db: AsyncSession, repository: SessionRepository, tokens: TokenIssuer) -> None:
        self._db = db
        self._repository = repository
        self._tokens = tokens

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer) -> Self:
        """Compose it on one session."""
        return cls(session, SessionRepository(session), tokens)

    async def open(self, user: User, requested_scopes: list[str], factors: list[str]) -> TokenOut:
        """Begin a session for an account that has proven itself by these factors.

        The session may do what was requested, as far as the role allows; all of the role's
        when nothing was.
        """
        request = current_request()
        device = device_name(request.user_agent)
        permissions = permissions_of(Role(user.role))
        scopes = sorted(permissions & set(requested_scopes) if requested_scopes else permissions)
        now = utc_now()
        # Nobody needs to be told of the device that the account was opened with.
        is_first_login = now - user.created_at < _YOUNG and not await self._repository.has_session(user.id)
        is_known = is_first_login or await self._repository.has_session(user.id, device)
        opened = await self._repository.add(
            AuthSession(
                user_id=user.id,
                scopes=scopes,
                factors=factors,
                device=device,
                ip=request.ip,
                created_at=now,
                authenticated_at=now,
                last_used_at=now,
                expires_at=now + timedelta(seconds=self._tokens.refresh_ttl),
            )
        )
        refresh_token = new_refresh_token()
        await self.add_refresh_token(opened.id, refresh_token, opened.expires_at)
        if not is_known:
            await publish(self._db, NewDevice(user.id, device, request.ip))
        opening: dict[str, tuple[object, object]] = {"factors": (None, " ".join(factors))}
        record_audit(self._db, "session.opened", ("session", opened.id), opening, actor_id=user.id)
        grant = Grant(user.id, str(opened.id), Role(user.role), frozenset(scopes), opened.expires_at)
        return self.answer(grant, refresh_token)

    async def add_refresh_token(self, session_id: UUID, token: str, ends_at: datetime) -> None:
        """Keep the token's hash; unused it lasts `idle_ttl`, and never longer than its session."""
        expires_at = min(ends_at, utc_now() + timedelta(seconds=self._tokens.idle_ttl))
        await self._repository.add_refresh_token(session_id, refresh_token_hash(token), expires_at)

    def answer(self, grant: Grant, refresh_token: str) -> TokenOut:
        """The pair of tokens for a session."""
        access_token, seconds = self._tokens.issue(grant)
        return TokenOut(
            access_token=access_token,
            refresh_token=refresh_token,
            expires_in=seconds,
            scope=" ".join(sorted(grant.scopes)),
        )

    async def end(self, session_id: UUID, user_id: int, reason: str) -> bool:
        """End this session of the account; its tokens stop working everywhere. Whether it was under way."""
        is_ended = await self._repository.end(session_id, user_id, reason)
        if is_ended:
            invalidate(self._db, account_group(user_id))
            actor_id = current_request().user_id or user_id
            why: dict[str, tuple[object, object]] = {"reason": (None, reason)}
            record_audit(self._db, "session.ended", ("session", session_id), why, actor_id=actor_id)
        return is_ended


def new_refresh_token() -> str:
    """A token with 256 random bits; the prefix lets scanners for leaked secrets know it."""
    return REFRESH_PREFIX + secrets.token_urlsafe(_REFRESH_BYTES)


def refresh_token_hash(token: str) -> bytes:
    """How a refresh token is kept: it has 256 random bits, so that a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).digest()
