"""Limits on guessing: so many wrong codes for an account in an hour, whatever the client."""

import math
from datetime import timedelta
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.clock import utc_now
from app.identity.mfa.changes import record_factor_change
from app.identity.mfa.errors import SecondFactorLocked
from app.identity.mfa.repository import AttemptRepository

TRIES_AN_HOUR = 10
"""With a right password, the chance to guess one of two valid codes in an hour is 1 in 50,000."""

_WINDOW = timedelta(hours=1)


class Tries:
    """Counts in PostgreSQL, so that the limit holds over all workers and without Redis."""

    def __init__(self, db: AsyncSession, attempts: AttemptRepository) -> None:
        self._db = db
        self._attempts = attempts

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, AttemptRepository(session))

    async def count(self, user_id: int) -> int:
        """Count a code before it is judged: the how manieth of this hour. Raises SecondFactorLocked."""
        key = _key(user_id)
        tries = await self._attempts.take(key, TRIES_AN_HOUR, utc_now() + _WINDOW)
        if tries is None:
            ends_at = await self._attempts.find_end(key) or utc_now()
            seconds = max(1, math.ceil((ends_at - utc_now()).total_seconds()))
            raise SecondFactorLocked(
                f"Too many wrong codes for this account; try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )
        return tries

    async def failed(self, user_id: int, tries: int) -> None:
        """Remember the wrong try, which the caller's error must keep; the last one tells the owner."""
        record_audit(self._db, "mfa.wrong_code", ("user", user_id), actor_id=user_id)
        if tries == TRIES_AN_HOUR:
            await record_factor_change(self._db, user_id, "locked")

    async def succeeded(self, user_id: int) -> None:
        """Begin to count anew."""
        await self._attempts.forget(_key(user_id))


def _key(user_id: int) -> bytes:
    return f"code:{user_id}".encode()
