"""Logging in with a password, and changing it."""

from typing import Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.metrics import LOCKOUTS, LOGINS, count_at_commit
from app.core.settings.settings import Settings
from app.identity.credentials.service import CredentialService
from app.identity.credentials.table import AccountEvent
from app.identity.errors import CHALLENGE, WrongCredentials, WrongPassword
from app.identity.events import PasswordChanged
from app.identity.models import User
from app.identity.principal import Principal
from app.identity.sessions.factor_check import SecondFactorCheck
from app.identity.sessions.gate import Proof, locked
from app.identity.sessions.queries import has_totp
from app.identity.sessions.repository import MOST_FAILURES, FailureRepository, SessionRepository
from app.identity.sessions.schemas import TokenOut
from app.identity.sessions.service import BrowserTokens, SessionService
from app.identity.tokens import TokenIssuer


class LoginService:
    """Turns the proof of a password into a session, or into a remembered failure."""

    def __init__(
        self,
        db: AsyncSession,
        sessions: SessionService,
        repository: SessionRepository,
        failures: FailureRepository,
        second_factor: SecondFactorCheck,
        credentials: CredentialService,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._repository = repository
        self._failures = failures
        self._second_factor = second_factor
        self._credentials = credentials

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            SessionService.build(session, tokens),
            SessionRepository(session),
            FailureRepository(session),
            SecondFactorCheck.build(session, settings.jwt),
            CredentialService.build(session),
        )

    async def log_in(
        self, proof: Proof, requested: list[str], before: BrowserTokens | None = None
    ) -> TokenOut:
        """Open a session for the account that the proof is of.

        Asked for no scope, it may do all that the role may; else the part of it that was asked for. The session of a
        browser that logs in again ends. Raises WrongCredentials, one answer after equal work whatever was wrong,
        AccountLocked, and MfaRequired where the account has a second factor.
        """
        user = await self._accept(proof)
        if user is None:
            raise WrongCredentials(
                "The user name or the password is wrong, or too many were wrong before: five from one place lock an"
                " account there for half an hour.",
                headers=CHALLENGE,
            )
        if proof.new_hash is not None:
            user.password_hash = proof.new_hash
        await self._second_factor.check(user, requested)
        return await self._sessions.open(user, requested, ["password"], before)

    async def confirm(self, proof: Proof) -> User:
        """The account, for a caller who has proven to know its password once more.

        Raises WrongPassword, which keeps the failure, and AccountLocked.
        """
        user = await self._accept(proof)
        if user is None:
            raise WrongPassword("The current password is wrong.")
        return user

    async def confirm_owner(self, caller: Principal, proof: Proof | None) -> User:
        """The caller's account, for a change that outlives their session: they prove to be its owner.

        By a fresh session; or, without one, by the password where the account has no second factor.
        Raises StepUpRequired, InvalidToken, WrongPassword, which keeps the failure, and AccountLocked.
        """
        user = None if proof is None else await self.confirm(proof)
        if user is None or await has_totp(self._db, user.id):
            caller.require_fresh()
        return await self._repository.require_owner(caller)

    async def change_password(self, principal: Principal, proof: Proof, new_hash: str) -> None:
        """Set the new password; every other session of the account ends, mailed tokens die.

        Raises WrongPassword, which keeps the failure, AccountLocked, and StepUpRequired where the account has
        a second factor and the session is not fresh.
        """
        user = await self.confirm_owner(principal, proof)
        user.password_hash = new_hash
        user.password_changed_at = utc_now()
        # Before the sessions: a login with the old password waits for this row and then fails.
        await self._repository.flush()
        keep = UUID(principal.session_id) if principal.session_id else None
        await self._credentials.end(user.id, AccountEvent.PASSWORD_CHANGED, keep=keep)
        await publish(self._db, PasswordChanged(user.id))
        changes: dict[str, tuple[object, object]] = {"password": ("old", "new")}
        record_audit(self._db, "user.password_changed", ("user", user.id), changes)

    async def _accept(self, proof: Proof) -> User | None:
        """Return the account if the password was right, is so still, and nothing is locked; else count a failure."""
        client = proof.client.network
        # Guesses that were hashed at the same time do not slip past the lock.
        locks = await self._failures.find_locks(proof.names, client)
        for lock in locks:
            if lock.account == proof.name:
                raise locked(lock.locked_until)
        user = None
        # While the account itself is locked, by tries under its other name, a right password is a wrong one.
        if proof.is_right and proof.user_id is not None and not locks:
            user = await self._repository.lock_user(proof.user_id)
        if user is None or not user.is_active or user.password_hash != proof.verified_hash:
            rows = await self._failures.add(proof.names, client)
            counted = next(row for row in rows if row.account == proof.name)
            locked_until = counted.locked_until
            if counted.failures > MOST_FAILURES:
                # Another guess of this moment was the last that counts; nothing of this one is kept.
                raise locked(locked_until)
            # Of an account that nobody has, too, without what was typed: equal work, and equal silence.
            record_audit(self._db, "login.failed", ("user", proof.user_id or "unknown"))
            count_at_commit(self._db, LOGINS.labels("failed"))
            if locked_until is not None:
                until: dict[str, tuple[object, object]] = {"locked_until": (None, locked_until)}
                record_audit(self._db, "login.locked", ("user", proof.user_id or "unknown"), until)
                count_at_commit(self._db, LOCKOUTS)
            return None
        await self._failures.clear(proof.names, client)
        return user
