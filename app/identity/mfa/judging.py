"""Judging the codes that are shown as a second factor: each works once, and guesses are counted."""

from typing import Self

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.settings.groups import JwtSettings
from app.identity.errors import CHALLENGE
from app.identity.mfa.changes import record_factor_change
from app.identity.mfa.errors import WrongSecondFactor
from app.identity.mfa.one_time_codes import matching_steps, recovery_hash
from app.identity.mfa.repository import SecondFactorRepository
from app.identity.mfa.schemas import FactorAnswer
from app.identity.mfa.secret_vault import SecretVault
from app.identity.mfa.tries import Tries
from app.identity.models import TotpSecret

_log = structlog.get_logger(__name__)


class FactorJudge:
    """Says whether a code is the account's, for logins and for fresh proofs."""

    def __init__(
        self, db: AsyncSession, factors: SecondFactorRepository, tries: Tries, vault: SecretVault
    ) -> None:
        self._db = db
        self._factors = factors
        self._tries = tries
        self._vault = vault

    @classmethod
    def build(cls, session: AsyncSession, settings: JwtSettings) -> Self:
        """Compose it on one session."""
        return cls(session, SecondFactorRepository(session), Tries.build(session), SecretVault(settings))

    async def judge(self, user_id: int, answer: FactorAnswer) -> str:
        """Use up the code that was sent; tell which factor it was.

        Raises WrongSecondFactor, which keeps the try, and SecondFactorLocked after ten wrong codes for the
        account in an hour. Recovery codes are exempt from that lock, or a stranger with the password
        could keep the owner out.
        """
        if answer.recovery_code is not None:
            if not await self._factors.use_code(user_id, recovery_hash(answer.recovery_code)):
                await self._tries.failed(user_id, 0)
                raise _wrong("This is not one of your unused recovery codes.")
            await record_factor_change(self._db, user_id, "recovery_code_used")
            return "recovery_code"
        tries = await self._tries.count(user_id)
        if not await self._use_totp(user_id, answer.code or ""):
            await self._tries.failed(user_id, tries)
            raise _wrong("The code is wrong or was used before; wait for the next one.")
        await self._tries.succeeded(user_id)
        return "totp"

    async def _use_totp(self, user_id: int, code: str) -> bool:
        """Use up the step of a right code; no when it is wrong or its step was used before."""
        totp = await self._factors.find_totp(user_id)
        if totp is None:
            return False
        step = find_step(self._vault, totp, code)
        return step is not None and await self._factors.use_step(totp, step)


def find_step(vault: SecretVault, totp: TotpSecret, code: str) -> int | None:
    """The step whose code this is; None for a wrong code, and for a secret that no longer opens."""
    secret = vault.open(totp.user_id, totp.secret)
    if secret is None:
        _log.error("totp_secret_is_sealed", user_id=totp.user_id, remedy="restore JWT_SECRET")
        return None
    return next(matching_steps(secret, code, utc_now()), None)


def _wrong(detail: str) -> WrongSecondFactor:
    return WrongSecondFactor(detail, headers=CHALLENGE)
