"""Refreshing: each refresh token works once; a later second use ends its whole session."""

from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.db.queries import AnyRow
from app.core.events.events import publish
from app.core.http.request_info import current_request
from app.identity.errors import CHALLENGE, CsrfRefused, InvalidRefreshToken, TokenReuse
from app.identity.events import TokenReused
from app.identity.permissions import Role, permissions_of
from app.identity.principal import Principal
from app.identity.sessions.repository import GRACE, SessionRepository
from app.identity.sessions.schemas import TokenOut
from app.identity.sessions.service import SessionService, new_refresh_token, refresh_token_hash
from app.identity.tokens import Grant, TokenIssuer


class RotationService:
    """Trades refresh tokens; the tokens of one session are a family."""

    def __init__(self, db: AsyncSession, sessions: SessionService, repository: SessionRepository) -> None:
        self._db = db
        self._sessions = sessions
        self._repository = repository

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer) -> Self:
        """Compose it on one session."""
        return cls(session, SessionService.build(session, tokens), SessionRepository(session))

    async def refresh(self, token: str, session_id: str | None = None) -> TokenOut:
        """Issue a new pair of the same session, which keeps its end; `session_id` is whom a browser claims to be.

        One guarded UPDATE decides who used the token. Whoever comes second within ten seconds, such as
        another tab, gets a token of their own: nobody is given one that somebody else may have used by then.
        There are twenty of these siblings at most. After the ten seconds a second use means that somebody
        else has the token.

        Raises TokenReuse, which ends the session, and InvalidRefreshToken when it is unknown, expired or has
        all its siblings, or its session has ended.
        """
        digest = refresh_token_hash(token)
        family = await self._repository.use_refresh_token(digest)
        if family is None:
            family = await self._repository.share_refresh_token(digest)
        if family is None:
            raise await self._refusal(digest)
        _require_own(family, session_id)
        return await self._go_on(family, new_refresh_token())

    async def end_by_token(self, token: str, session_id: str | None, reason: str) -> bool:
        """End the session of a refresh token, used or not; whether there was one under way."""
        found = await self._repository.find_refresh_token(refresh_token_hash(token))
        if found is None:
            return False
        _require_own(found.session_id, session_id)
        return await self._sessions.end(found.session_id, found.user_id, reason)

    async def end_own(self, principal: Principal, reason: str) -> None:
        """End the caller's own session."""
        if principal.session_id is not None:
            await self._sessions.end(UUID(principal.session_id), principal.user_id, reason)

    async def get_session_id(self, token: str) -> UUID:
        """The session of a refresh token that still works. Raises InvalidRefreshToken."""
        found = await self.find(token)
        if found is None:
            raise _invalid()
        session_id: UUID = found.session_id
        return session_id

    async def find(self, token: str) -> AnyRow | None:
        """The refresh token, if it still works."""
        found = await self._repository.find_refresh_token(refresh_token_hash(token))
        return found if found is not None and found.is_usable else None

    async def _go_on(self, session_id: UUID, successor: str) -> TokenOut:
        touched = await self._repository.touch(session_id, current_request().ip)
        if touched is None:
            raise _invalid()
        role = Role(touched.role)
        await self._sessions.add_refresh_token(session_id, successor, touched.expires_at)
        record_audit(self._db, "session.refreshed", ("session", session_id), actor_id=touched.user_id)
        scopes = frozenset(permissions_of(role) & set(touched.scopes))
        grant = Grant(touched.user_id, str(session_id), role, scopes, touched.expires_at)
        return self._sessions.answer(grant, successor)

    async def _refusal(self, digest: bytes) -> InvalidRefreshToken | TokenReuse:
        found = await self._repository.find_refresh_token(digest)
        if found is None or found.used_at is None or not found.is_live:
            return _invalid()
        if found.used_at > utc_now() - GRACE:
            # Many at once are no thief: they get no more tokens, and the session goes on.
            return _invalid()
        if await self._sessions.end(found.session_id, found.user_id, "token_reuse"):
            request = current_request()
            reused = TokenReused(found.user_id, found.device, request.ip)
            await publish(self._db, reused)
            target = ("session", found.session_id)
            record_audit(self._db, "session.token_reused", target, actor_id=found.user_id)
        return TokenReuse(
            "This refresh token was used before, so the session was ended; log in again.", headers=CHALLENGE
        )


def _require_own(family: UUID, session_id: str | None) -> None:
    if session_id is not None and session_id != str(family):
        raise CsrfRefused("The CSRF token belongs to another session; read the cookie again.")


def _invalid() -> InvalidRefreshToken:
    return InvalidRefreshToken("The refresh token does not work (any more); log in again.", headers=CHALLENGE)
