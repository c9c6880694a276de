"""Making a session fresh by a full proof of who its owner is."""

from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.settings.settings import Settings
from app.identity.mfa.errors import SecondFactorNeeded
from app.identity.mfa.judging import FactorJudge
from app.identity.passkeys.service import PasskeyLogin
from app.identity.principal import FRESH_FOR, Principal, account_group
from app.identity.sessions.gate import Proof
from app.identity.sessions.password_login import LoginService
from app.identity.sessions.queries import has_totp
from app.identity.sessions.repository import SessionRepository
from app.identity.step_up.schemas import StepUpIn, StepUpOut
from app.identity.tokens import TokenIssuer


class StepUpService:
    """Renews `auth_time` (RFC 9470), which refreshing tokens never does."""

    def __init__(
        self,
        db: AsyncSession,
        logins: LoginService,
        judge: FactorJudge,
        passkeys: PasskeyLogin,
        sessions: SessionRepository,
    ) -> None:
        self._db = db
        self._logins = logins
        self._judge = judge
        self._passkeys = passkeys
        self._sessions = sessions

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            LoginService.build(session, tokens, settings),
            FactorJudge.build(session, settings.jwt),
            PasskeyLogin.build(session, tokens, settings),
            SessionRepository(session),
        )

    async def step_up(
        self, caller: Principal, session_id: UUID, proof: Proof | None, answer: StepUpIn
    ) -> StepUpOut:
        """Make the session fresh; it counts as having shown the factor from now on.

        Raises WrongPassword, AccountLocked, SecondFactorNeeded, WrongSecondFactor, SecondFactorLocked; PasskeyRefused and
        PasskeyCopied.
        """
        factor = await self._prove(caller, proof, answer)
        authenticated_at = await self._sessions.renew(session_id, factor)
        shown: dict[str, tuple[object, object]] = {"factors": (None, factor or "password")}
        record_audit(self._db, "session.stepped_up", ("session", session_id), shown)
        invalidate(self._db, account_group(caller.user_id))
        return StepUpOut(authenticated_at=authenticated_at, fresh_until=authenticated_at + FRESH_FOR)

    async def _prove(self, caller: Principal, proof: Proof | None, answer: StepUpIn) -> str | None:
        """Tell which second factor was shown, if any."""
        if proof is None:
            # Then a passkey came: `StepUpIn` takes nothing with neither.
            await self._passkeys.verify(answer.credential or {}, caller.user_id)
            return "passkey"
        user = await self._logins.confirm(proof)
        if not await has_totp(self._db, user.id):
            return None
        if answer.code is None and answer.recovery_code is None:
            raise SecondFactorNeeded("Send `code` or `recovery_code` beside the password.")
        return await self._judge.judge(user.id, answer)
