"""Setting up, using up and removing authenticator apps and recovery codes."""

import uuid
from typing import Self

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.settings.groups import MfaSettings
from app.core.settings.settings import Settings
from app.identity.mfa.changes import record_factor_change
from app.identity.mfa.errors import TotpEnabled, TotpNotEnabled, TotpNotPending, WrongTotpCode
from app.identity.mfa.one_time_codes import (
    matching_steps,
    new_recovery_codes,
    new_secret,
    otpauth_uri,
    qr_svg,
    recovery_hash,
)
from app.identity.mfa.repository import SecondFactorRepository
from app.identity.mfa.schemas import SecondFactorOut, TotpEnrolment
from app.identity.mfa.secret_vault import SecretVault
from app.identity.models import TotpSecret
from app.identity.permissions import Role
from app.identity.principal import Principal
from app.identity.sessions.gate import Proof
from app.identity.sessions.password_login import LoginService
from app.identity.sessions.queries import has_totp
from app.identity.sessions.service import SessionService
from app.identity.tokens import TokenIssuer

_log = structlog.get_logger(__name__)


class SecondFactorService:
    """The second factor of one account. Every change is audited and mailed to its owner."""

    def __init__(
        self,
        db: AsyncSession,
        sessions: SessionService,
        logins: LoginService,
        factors: SecondFactorRepository,
        vault: SecretVault,
        settings: MfaSettings,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._logins = logins
        self._factors = factors
        self._vault = vault
        self._settings = settings

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            SessionService.build(session, tokens),
            LoginService.build(session, tokens, settings),
            SecondFactorRepository(session),
            SecretVault(settings.jwt),
            settings.mfa,
        )

    async def read(self, caller: Principal) -> SecondFactorOut:
        """What the caller's account has, and whether this session is good enough for what it demands."""
        state = await self._factors.get_state(caller.user_id)
        return SecondFactorOut(
            totp_enabled_at=state.totp_enabled_at,
            recovery_codes_left=state.recovery_codes_left,
            passkeys=state.passkeys,
            is_required=self._settings.required_for_staff and caller.role is not Role.USER,
            is_satisfied=caller.has_second_factor,
        )

    async def enrol(self, proof: Proof) -> TotpEnrolment:
        """A new secret that waits for its first code, in place of an unconfirmed older one.

        Raises TotpEnabled, WrongPassword, AccountLocked.
        """
        user = await self._logins.confirm(proof)
        secret = new_secret()
        if not await self._factors.enrol(user.id, self._vault.seal(user.id, secret)):
            raise TotpEnabled("Disable the present authenticator app before you set up another.")
        uri = otpauth_uri(secret, user.username, self._settings.issuer)
        return TotpEnrolment(secret=secret, otpauth_uri=uri, qr_svg=qr_svg(uri))

    async def confirm(self, caller: Principal, code: str) -> list[str]:
        """Turn the secret on with its first code, which is thereby used; ten recovery codes, shown once.

        From now on logins need a code. This session counts as having shown it; every other
        session ends, since none did. Raises TotpNotPending, WrongTotpCode.
        """
        totp = await self._factors.find_totp(caller.user_id)
        if totp is None or totp.confirmed_at is not None:
            raise TotpNotPending("Begin at POST /api/v1/auth/mfa/totp; it asks for the first code.")
        step = self._step_of(totp, code)
        if step is None:
            raise WrongTotpCode("The code does not fit; check the clock of your device and try the next one.")
        if not await self._factors.confirm(totp, step):
            raise TotpNotPending("Another request confirmed or replaced this set-up at the same moment.")
        codes = await self._new_codes(caller.user_id)
        session_id = uuid.UUID(caller.session_id)
        await self._factors.add_factor(session_id, "totp")
        await self._sessions.end_all(caller.user_id, "second_factor_enabled", keep=session_id)
        await record_factor_change(self._db, caller.user_id, "totp_enabled")
        return codes

    async def disable(self, proof: Proof) -> None:
        """Remove the app and the recovery codes: the password alone opens the account again.

        Sessions go on, and no longer count as having shown a code: staff that must have a second
        factor have to set one up anew.

        Raises TotpNotEnabled, WrongPassword, AccountLocked.
        """
        user = await self._logins.confirm(proof)
        if not await self._factors.remove_totp(user.id):
            raise TotpNotEnabled("There is no authenticator app to disable.")
        await self._factors.drop_factors(user.id, "totp", "recovery_code")
        await record_factor_change(self._db, user.id, "totp_disabled")

    async def replace_codes(self, proof: Proof) -> list[str]:
        """Ten new recovery codes, shown once; the older ones are dead.

        Raises TotpNotEnabled, WrongPassword, AccountLocked.
        """
        user = await self._logins.confirm(proof)
        if not await has_totp(self._db, user.id):
            raise TotpNotEnabled("Recovery codes stand in for an authenticator app: set one up first.")
        codes = await self._new_codes(user.id)
        await record_factor_change(self._db, user.id, "recovery_codes_replaced")
        return codes

    async def use_totp(self, user_id: int, code: str) -> bool:
        """Use up the step of a right code; no when it is wrong or its step was used before."""
        totp = await self._factors.find_totp(user_id)
        if totp is None:
            return False
        step = self._step_of(totp, code)
        return step is not None and await self._factors.use_step(totp, step)

    async def use_recovery_code(self, user_id: int, code: str) -> bool:
        """Use up a recovery code and tell the owner; no when there is none such or it was used before."""
        if not await self._factors.use_code(user_id, recovery_hash(code)):
            return False
        await record_factor_change(self._db, user_id, "recovery_code_used")
        return True

    async def _new_codes(self, user_id: int) -> list[str]:
        codes = new_recovery_codes()
        await self._factors.replace_codes(user_id, [recovery_hash(code) for code in codes])
        return codes

    def _step_of(self, totp: TotpSecret, code: str) -> int | None:
        secret = self._vault.open(totp.user_id, totp.secret)
        if secret is None:
            _log.error("totp_secret_is_sealed", user_id=totp.user_id, remedy="restore JWT_SECRET")
            return None
        return next(matching_steps(secret, code, utc_now()), None)
