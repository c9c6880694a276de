"""The second half of a login: an `mfa_token` and a code become a session."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.settings import Settings
from app.identity.challenges import ChallengePurpose
from app.identity.errors import CHALLENGE
from app.identity.mfa.challenge_ledger import ChallengeLedger
from app.identity.mfa.errors import MfaTokenRefused
from app.identity.mfa.judging import FactorJudge
from app.identity.mfa.schemas import MfaAnswer
from app.identity.sessions.factor_check import password_stamp
from app.identity.sessions.repository import SessionRepository
from app.identity.sessions.schemas import TokenOut
from app.identity.sessions.service import BrowserTokens, SessionService
from app.identity.tokens import TokenIssuer

TRIES_PER_TOKEN = 5


class MfaLogin:
    """Finishes logins that wait for their second factor."""

    def __init__(
        self,
        challenges: ChallengeLedger,
        judge: FactorJudge,
        repository: SessionRepository,
        sessions: SessionService,
    ) -> None:
        self._challenges = challenges
        self._judge = judge
        self._repository = repository
        self._sessions = sessions

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            ChallengeLedger.build(session, settings.jwt),
            FactorJudge.build(session, settings.jwt),
            SessionRepository(session),
            SessionService.build(session, tokens),
        )

    async def finish(self, answer: MfaAnswer, before: BrowserTokens | None = None) -> TokenOut:
        """A session for the right answer; the token is then spent, and after five wrong ones it is dead.

        It replaces the session that a browser had `before`.

        Raises MfaTokenRefused; WrongSecondFactor, which keeps the count; SecondFactorLocked after ten
        wrong codes for the account in an hour. Recovery codes are exempt from that lock, or a
        stranger with the password could keep the owner out.
        """
        challenge = self._challenges.read(ChallengePurpose.LOGIN, answer.mfa_token)
        if challenge is None or not await self._challenges.count_answer(challenge, TRIES_PER_TOKEN):
            raise _refused()
        user = await self._repository.lock_user(challenge.user_id)
        if user is None or not user.is_active or password_stamp(user) != challenge.stamp:
            raise _refused()
        factor = await self._judge.judge(user.id, answer)
        await self._challenges.use_up(challenge, TRIES_PER_TOKEN)
        return await self._sessions.open(user, list(challenge.scopes), ["password", factor], before)


def _refused() -> MfaTokenRefused:
    return MfaTokenRefused("The mfa_token does not work (any more); log in again.", headers=CHALLENGE)
