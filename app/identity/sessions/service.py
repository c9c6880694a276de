"""Sessions: opened by a login, ended by logout, password change or an administrator."""

import hashlib
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import actor_for, record_audit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.http.request_info import current_request
from app.core.metrics import LOGINS, count_at_commit
from app.identity.errors import InvalidToken
from app.identity.events import NewDevice
from app.identity.models import AuthSession, User
from app.identity.permissions import Role, permissions_of
from app.identity.principal import account_group
from app.identity.sessions.devices import device_name
from app.identity.sessions.opened import tell_listeners
from app.identity.sessions.repository import SessionRepository
from app.identity.sessions.schemas import TokenOut
from app.identity.tokens import Grant, TokenIssuer

_REFRESH_BYTES = 32
_YOUNG = timedelta(days=1)
REFRESH_PREFIX = "rt_"


class BrowserTokens(NamedTuple):
    """The tokens that a browser had in its cookies when it logged in again; they prove whose session it was."""

    refresh: str | None
    access: str | None


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

    async def open(
        self,
        user: User,
        requested_scopes: list[str],
        factors: list[str],
        before: BrowserTokens | None = None,
    ) -> TokenOut:
        """Begin a session for an account that has proven itself by these factors, and is locked.

        The session may do what was requested, as far as the role allows; all of the role's
        when nothing was. The session that the browser had `before` ends, and where the account has as many
        sessions as it may have, the oldest.
        """
        if before is not None:
            await self._end_replaced(before)
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
        # Two logins at once wait for each other at the account's row, so each sees the other's session.
        for surplus in await self._repository.end_oldest(user.id, self._tokens.max_sessions, opened.id):
            self._record_end(surplus, user.id, "too_many_sessions")
        refresh_token = new_refresh_token()
        await self.add_refresh_token(opened.id, refresh_token, opened.expires_at)
        if not is_known:
            await publish(self._db, NewDevice(user.id, device, request.ip))
        opening: dict[str, tuple[object, object]] = {"factors": (None, " ".join(factors))}
        record_audit(self._db, "session.opened", ("session", opened.id), opening, actor_id=user.id)
        await tell_listeners(self._db, user.id)
        count_at_commit(self._db, LOGINS.labels("ok"))
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
            self._record_end(session_id, user_id, reason)
        return is_ended

    def _record_end(self, session_id: UUID, user_id: int, reason: str) -> None:
        invalidate(self._db, account_group(user_id))
        why: dict[str, tuple[object, object]] = {"reason": (None, reason)}
        record_audit(self._db, "session.ended", ("session", session_id), why, actor_id=actor_for(user_id))

    async def _end_replaced(self, before: BrowserTokens) -> None:
        """End the sessions that these tokens are of: the browser forgets them, and nobody else should have them."""
        if before.refresh is not None:
            found = await self._repository.find_refresh_token(refresh_token_hash(before.refresh))
            if found is not None:
                await self.end(found.session_id, found.user_id, "logged_in_again")
        if before.access is not None:
            with suppress(InvalidToken):
                claims = self._tokens.read(before.access)
                await self.end(claims.session_id, claims.user_id, "logged_in_again")


def new_refresh_token() -> str:
    """A token with 256 random bits; the prefix lets scanners for leaked secrets know it."""
    return REFRESH_PREFIX + secrets.token_urlsafe(_REFRESH_BYTES)


def refresh_token_hash(token: str) -> bytes:
    """How a refresh token is kept: it has 256 random bits, so that a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode()).digest()
