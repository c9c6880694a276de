"""Setting up, using up and removing authenticator apps and recovery codes."""

import uuid
from datetime import timedelta
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.settings.groups import MfaSettings
from app.core.settings.settings import Settings
from app.identity.credentials.service import CredentialService
from app.identity.credentials.table import AccountEvent
from app.identity.mfa.changes import record_factor_change
from app.identity.mfa.errors import (
    TotpEnabled,
    TotpNotEnabled,
    TotpNotPending,
    WrongTotpCode,
)
from app.identity.mfa.judging import find_step
from app.identity.mfa.one_time_codes import (
    new_recovery_codes,
    new_secret,
    otpauth_uri,
    qr_svg,
    recovery_hash,
)
from app.identity.mfa.repository import SecondFactorRepository
from app.identity.mfa.schemas import SecondFactorOut, TotpEnrolment
from app.identity.mfa.secret_vault import SecretVault
from app.identity.permissions import Role
from app.identity.principal import Principal
from app.identity.sessions.gate import Proof
from app.identity.sessions.password_login import LoginService
from app.identity.sessions.queries import has_totp
from app.identity.sessions.repository import SessionRepository
from app.identity.tokens import TokenIssuer

SET_UP_LIFETIME = timedelta(minutes=10)
"""How long a secret waits for its first code: whoever finds the session open later must not guess that."""


class SecondFactorService:
    """The second factor of one account. Every change is audited and mailed to its owner."""

    def __init__(
        self,
        db: AsyncSession,
        credentials: CredentialService,
        logins: LoginService,
        factors: SecondFactorRepository,
        vault: SecretVault,
        settings: MfaSettings,
    ) -> None:
        self._db = db
        self._credentials = credentials
        self._logins = logins
        self._factors = factors
        self._vault = vault
        self._settings = settings

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            CredentialService.build(session),
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

    async def enrol(self, caller: Principal, proof: Proof | None) -> TotpEnrolment:
        """A new secret that waits for its first code, in place of an unconfirmed older one.

        Raises TotpEnabled, StepUpRequired, WrongPassword, AccountLocked.
        """
        user = await self._logins.confirm_owner(caller, proof)
        secret = new_secret()
        if not await self._factors.enrol(user.id, self._vault.seal(user.id, secret)):
            raise TotpEnabled("Disable the present authenticator app before you set up another.")
        uri = otpauth_uri(secret, user.username, self._settings.issuer)
        return TotpEnrolment(secret=secret, otpauth_uri=uri, qr_svg=qr_svg(uri))

    async def confirm(self, caller: Principal, code: str) -> list[str]:
        """Turn the secret on with its first code, which is thereby used; ten recovery codes, shown once.

        From now on logins need a code. This session counts as having shown it; every other
        session ends, since none did. Raises TotpNotPending, WrongTotpCode, InvalidToken.
        """
        sessions = SessionRepository(self._db)
        await sessions.require_owner(caller)
        totp = await self._factors.find_totp(caller.user_id)
        if totp is None or totp.confirmed_at is not None or totp.created_at <= utc_now() - SET_UP_LIFETIME:
            raise TotpNotPending("Begin at POST /api/v1/auth/mfa/totp; it asks for the first code.")
        step = find_step(self._vault, totp, code)
        if step is None:
            raise WrongTotpCode("The code does not fit; check the clock of your device and try the next one.")
        if not await self._factors.confirm(totp, step):
            raise TotpNotPending("Another request confirmed or replaced this set-up at the same moment.")
        codes = await self._new_codes(caller.user_id)
        session_id = uuid.UUID(caller.session_id)
        await sessions.add_factor(session_id, "totp")
        await self._credentials.end(caller.user_id, AccountEvent.SECOND_FACTOR_ENABLED, keep=session_id)
        await record_factor_change(self._db, caller.user_id, "totp_enabled")
        return codes

    async def disable(self, caller: Principal, proof: Proof | None) -> None:
        """Remove the app and the recovery codes: the password alone opens the account again.

        This session goes on, and no longer counts as having shown a code: staff that must have a second
        factor have to set one up anew. Every other ends, as with each change of how one logs in.

        Raises TotpNotEnabled, StepUpRequired, WrongPassword, AccountLocked.
        """
        user = await self._logins.confirm_owner(caller, proof)
        if not await has_totp(self._db, user.id):
            raise TotpNotEnabled("There is no authenticator app to disable.")
        keep = uuid.UUID(caller.session_id)
        await self._credentials.end(user.id, AccountEvent.SECOND_FACTOR_DISABLED, keep=keep)
        await record_factor_change(self._db, user.id, "totp_disabled")

    async def replace_codes(self, caller: Principal, proof: Proof | None) -> list[str]:
        """Ten new recovery codes, shown once; the older ones are dead.

        Raises TotpNotEnabled, StepUpRequired, WrongPassword, AccountLocked.
        """
        user = await self._logins.confirm_owner(caller, proof)
        if not await has_totp(self._db, user.id):
            raise TotpNotEnabled("Recovery codes stand in for an authenticator app: set one up first.")
        codes = await self._new_codes(user.id)
        await record_factor_change(self._db, user.id, "recovery_codes_replaced")
        return codes

    async def _new_codes(self, user_id: int) -> list[str]:
        codes = new_recovery_codes()
        await self._factors.replace_codes(user_id, [recovery_hash(code) for code in codes])
        return codes
