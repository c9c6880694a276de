"""The second half of a login: an `mfa_token` and a code become a session."""

from datetime import timedelta
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.settings import Settings
from app.identity.challenges import Challenge, ChallengePurpose, ChallengeSigner
from app.identity.errors import CHALLENGE
from app.identity.mfa.errors import MfaTokenRefused, WrongSecondFactor
from app.identity.mfa.repository import AttemptRepository, SecondFactorRepository
from app.identity.mfa.schemas import MfaAnswer
from app.identity.mfa.service import SecondFactorService
from app.identity.mfa.tries import Tries
from app.identity.models import User
from app.identity.sessions.factor_check import password_stamp
from app.identity.sessions.schemas import TokenOut
from app.identity.sessions.service import SessionService
from app.identity.tokens import TokenIssuer

TRIES_PER_TOKEN = 5
_KEPT_BEYOND = timedelta(minutes=1)
"""A spent challenge is remembered longer than it lasts, so that clocks cannot revive it."""


class MfaLogin:
    """Finishes logins that wait for their second factor."""

    def __init__(self, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> None:
        self._factors = SecondFactorRepository(session)
        self._attempts = AttemptRepository(session)
        self._tries = Tries(session)
        self._service = SecondFactorService.build(session, tokens, settings)
        self._sessions = SessionService.build(session, tokens)
        self._signer = ChallengeSigner(settings.jwt)

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """The service on one session."""
        return cls(session, tokens, settings)

    async def finish(self, answer: MfaAnswer) -> TokenOut:
        """A session for the right answer; the token is then spent, and after five wrong ones it is dead.

        MfaTokenRefused; WrongSecondFactor, which keeps the count; SecondFactorLocked after ten
        wrong codes for the account in an hour. Recovery codes are exempt from that lock, or a
        stranger with the password could keep the owner out.
        """
        challenge = self._signer.read(ChallengePurpose.LOGIN, answer.mfa_token)
        if challenge is None or not await self._is_counted(challenge):
            raise _refused()
        user = await self._factors.lock_user(challenge.user_id)
        if user is None or not user.is_active or password_stamp(user) != challenge.stamp:
            raise _refused()
        factor = await self._judge(user, answer)
        await self._attempts.use_up(challenge.key, TRIES_PER_TOKEN)
        return await self._sessions.open(user, list(challenge.scopes), ["password", factor])

    async def _is_counted(self, challenge: Challenge) -> bool:
        until = challenge.expires_at + _KEPT_BEYOND
        return await self._attempts.take(challenge.key, TRIES_PER_TOKEN, until) is not None

    async def _judge(self, user: User, answer: MfaAnswer) -> str:
        """Which factor was shown. WrongSecondFactor, SecondFactorLocked."""
        if answer.recovery_code is not None:
            if not await self._service.use_recovery_code(user.id, answer.recovery_code):
                await self._tries.failed(user.id, 0)
                raise _wrong("This is not one of your unused recovery codes.")
            return "recovery_code"
        tries = await self._tries.count(user.id)
        if not await self._service.use_totp(user.id, answer.code or ""):
            await self._tries.failed(user.id, tries)
            raise _wrong("The code is wrong or was used before; wait for the next one.")
        await self._tries.succeeded(user.id)
        return "totp"


def _refused() -> MfaTokenRefused:
    return MfaTokenRefused("The mfa_token does not work (any more); log in again.", headers=CHALLENGE)


def _wrong(detail: str) -> WrongSecondFactor:
    return WrongSecondFactor(detail, headers=CHALLENGE)
