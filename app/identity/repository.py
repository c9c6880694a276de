"""Deletes what has expired, so much at a time that no statement takes long."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from app.identity.models import AuthSession, LoginFailure, OneTimeToken, RefreshToken

_BATCH = 20_000


class RetentionRepository:
    """What expired, of one session; each method answers how many rows it deleted."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def delete_one_time_tokens(self, before: datetime) -> int:
        """Tokens that expired before."""
        return await self._delete(OneTimeToken.id, OneTimeToken.expires_at < before)

    async def delete_refresh_tokens(self, before: datetime) -> int:
        """Tokens that expired before; used ones stay until then, since their reuse must be noticed."""
        return await self._delete(RefreshToken.id, RefreshToken.expires_at < before)

    async def delete_sessions(self, before: datetime) -> int:
        """Sessions that ended or expired before, with their refresh tokens."""
        over = or_(AuthSession.ended_at < before, AuthSession.expires_at < before)
        return await self._delete(AuthSession.id, over)

    async def delete_login_failures(self, before: datetime, now: datetime) -> int:
        """Failures before, unless they still lock somebody out."""
        statement = delete(LoginFailure).where(
            LoginFailure.last_failed_at < before,
            or_(LoginFailure.locked_until.is_(None), LoginFailure.locked_until < now),
        )
        return len((await self._db.scalars(statement.returning(LoginFailure.account))).all())

    async def _delete(self, key: InstrumentedAttribute[Any], condition: ColumnElement[bool]) -> int:
        some = select(key).where(condition).limit(_BATCH).scalar_subquery()
        gone = delete(key.class_).where(key.in_(some)).returning(key)
        return len((await self._db.scalars(gone)).all())
