"""Deletes what has expired, so much at a time that no statement takes long."""

from datetime import datetime

from sqlalchemy import delete, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import delete_some
from app.identity.models import AuthSession, LoginFailure, OneTimeToken, RefreshToken

_BATCH = 20_000
"""Fewer than of other purges: a session takes its refresh tokens along."""


class RetentionRepository:
    """What expired, of one session; each method answers how many rows it deleted."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def delete_one_time_tokens(self, before: datetime) -> int:
        """Tokens that expired before."""
        return await delete_some(self._db, OneTimeToken.id, OneTimeToken.expires_at < before, _BATCH)

    async def delete_refresh_tokens(self, before: datetime) -> int:
        """Tokens that expired before; used ones stay until then, since their reuse must be noticed."""
        return await delete_some(self._db, RefreshToken.id, RefreshToken.expires_at < before, _BATCH)

    async def delete_sessions(self, before: datetime) -> int:
        """Sessions that ended or expired before, with their refresh tokens."""
        over = or_(AuthSession.ended_at < before, AuthSession.expires_at < before)
        return await delete_some(self._db, AuthSession.id, over, _BATCH)

    async def delete_login_failures(self, before: datetime, now: datetime) -> int:
        """Failures before, unless they still lock somebody out."""
        key = (LoginFailure.account, LoginFailure.client)
        is_over = or_(LoginFailure.locked_until.is_(None), LoginFailure.locked_until < now)
        some = select(*key).where(LoginFailure.last_failed_at < before, is_over).limit(_BATCH)
        gone = delete(LoginFailure).where(tuple_(*key).in_(some)).returning(LoginFailure.account)
        return len((await self._db.scalars(gone)).all())
