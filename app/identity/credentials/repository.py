"""SQL that ends credentials of one account."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.dml import ReturningUpdate

from app.core.clock import utc_now
from app.identity.authentication.queries import is_under_way
from app.identity.credentials.elsewhere import end_elsewhere
from app.identity.credentials.table import Credential
from app.identity.models import ApiKey, AuthSession, OneTimeToken, Passkey, RecoveryCode, TotpSecret, User

_SHOWN_AS = {Credential.TOTP: ("totp", "recovery_code"), Credential.PASSKEY: ("passkey",)}
"""Factors that a session no longer counts as having shown once they are gone."""


class CredentialRepository:
    """The credentials of accounts, in one session's transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def end(
        self, user_id: int, credential: Credential, reason: str, keep: UUID | None = None
    ) -> Sequence[object]:
        """End the account's credentials of this kind, but the session `keep`; what was ended, by id or name."""
        if credential in {Credential.WEBHOOK, Credential.PUSH_SUBSCRIPTION}:
            return await end_elsewhere(self._db, user_id, credential)
        if credential is Credential.PENDING_EMAIL:
            return await self._forget_pending_email(user_id)
        statement = _ending(credential, user_id, reason)
        if credential is Credential.SESSION and keep is not None:
            statement = statement.where(AuthSession.id != keep)
        ended = (await self._db.scalars(statement.execution_options(synchronize_session=False))).all()
        if credential in _SHOWN_AS and ended:
            await self.drop_factors(user_id, *_SHOWN_AS[credential])
        return ended

    async def drop_factors(self, user_id: int, *factors: str) -> None:
        """Let no session of the account count as having shown these any more."""
        remaining: ColumnElement[list[str]] | InstrumentedAttribute[list[str]] = AuthSession.factors
        for factor in factors:
            remaining = func.array_remove(remaining, factor)
        await self._db.execute(
            update(AuthSession)
            .where(AuthSession.user_id == user_id, AuthSession.ended_at.is_(None))
            .values(factors=remaining)
            .execution_options(synchronize_session=False)
        )

    async def _forget_pending_email(self, user_id: int) -> Sequence[object]:
        # Through the entity: whoever changes the account at the same time counts its version.
        user = await self._db.get(User, user_id)
        if user is None or user.pending_email is None:
            return []
        user.pending_email = None
        await self._db.flush()
        return [user_id]


def end_sessions(reason: str) -> ReturningUpdate[UUID]:
    """The statement that ends sessions which are under way, and tells which; the caller says whose."""
    ending = update(AuthSession).where(*is_under_way()).values(ended_at=utc_now(), end_reason=reason)
    return ending.returning(AuthSession.id).execution_options(synchronize_session=False)


def _ending(credential: Credential, user_id: int, reason: str) -> Any:
    match credential:
        case Credential.SESSION:
            return end_sessions(reason).where(AuthSession.user_id == user_id)
        case Credential.API_KEY:
            in_force = update(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
            return in_force.values(revoked_at=func.now()).returning(ApiKey.id)
        case Credential.MAILED_LINK:
            unused = update(OneTimeToken).where(
                OneTimeToken.user_id == user_id, OneTimeToken.used_at.is_(None)
            )
            return unused.values(used_at=utc_now()).returning(OneTimeToken.id)
        case Credential.PASSKEY:
            return delete(Passkey).where(Passkey.user_id == user_id).returning(Passkey.name)
        case Credential.TOTP:
            return delete(TotpSecret).where(TotpSecret.user_id == user_id).returning(TotpSecret.user_id)
        case _:
            return delete(RecoveryCode).where(RecoveryCode.user_id == user_id).returning(RecoveryCode.id)
