"""Ending credentials when something happens to their account, as the table says."""

from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import actor_for, record_audit
from app.core.cache.hot import invalidate
from app.core.events.events import publish
from app.identity.credentials.repository import CredentialRepository
from app.identity.credentials.table import ENDS, AccountEvent, Credential
from app.identity.events import CredentialsEnded
from app.identity.principal import account_group

_AUDITED = {Credential.SESSION: "session.ended", Credential.API_KEY: "api_key.revoked"}
MAILED = frozenset(
    {
        Credential.API_KEY,
        Credential.PASSKEY,
        Credential.TOTP,
        Credential.RECOVERY_CODE,
        Credential.WEBHOOK,
    }
)
_SILENT = frozenset({AccountEvent.DEACTIVATED, AccountEvent.SECOND_FACTOR_DISABLED})
"""Whoever closes an account need not be told what was closed with it, and of an app that was disabled another mail tells."""


class CredentialService:
    """Ends what an event ends: audited, heard by every worker, mailed to the owner where it is missed."""

    def __init__(self, db: AsyncSession, credentials: CredentialRepository) -> None:
        self._db = db
        self._credentials = credentials

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, CredentialRepository(session))

    async def end(self, user_id: int, event: AccountEvent, *, keep: UUID | None = None) -> int:
        """End the credentials that the table names for the event, but the session `keep`; how many were in force."""
        actor_id = actor_for(user_id)
        why: dict[str, tuple[object, object]] = {"reason": (None, event.value)}
        count, missed = 0, []
        for credential in Credential:
            if credential not in ENDS[event]:
                continue
            ended = await self._credentials.end(user_id, credential, event.value, keep)
            count += len(ended)
            if credential in _AUDITED:
                for identifier in ended:
                    target = (_AUDITED[credential].partition(".")[0], identifier)
                    record_audit(self._db, _AUDITED[credential], target, why, actor_id=actor_id)
            elif ended:
                what = {**why, "ended": (len(ended), 0)}
                name = f"credentials.{credential.name.lower()}_ended"
                record_audit(self._db, name, ("user", user_id), what, actor_id=actor_id)
            if ended and credential in MAILED:
                missed.append(credential.value)
        if missed and event not in _SILENT:
            await publish(self._db, CredentialsEnded(user_id, ", ".join(missed)))
        invalidate(self._db, account_group(user_id))
        return count
