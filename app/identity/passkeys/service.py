"""Registering, naming and removing passkeys, and logging in with one."""

import uuid
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.settings.settings import Settings
from app.identity.challenges import ChallengePurpose
from app.identity.credentials.repository import CredentialRepository
from app.identity.errors import CHALLENGE
from app.identity.mfa.challenge_ledger import ChallengeLedger
from app.identity.mfa.changes import record_factor_change
from app.identity.models import Passkey, User
from app.identity.passkeys.errors import (
    PasskeyCopied,
    PasskeyNotAccepted,
    PasskeyNotFound,
    PasskeyRefused,
    TooManyPasskeys,
)
from app.identity.passkeys.relying_party import (
    JsonObject,
    RelyingParty,
    challenge_of,
    presented,
    transports_of,
    user_handle,
)
from app.identity.passkeys.repository import PasskeyRepository
from app.identity.passkeys.schemas import PasskeyAssertion, PasskeyList, PasskeyOut, PasskeyRegistration
from app.identity.principal import Principal
from app.identity.sessions.gate import Proof
from app.identity.sessions.password_login import LoginService
from app.identity.sessions.repository import SessionRepository
from app.identity.sessions.schemas import TokenOut
from app.identity.sessions.service import BrowserTokens, SessionService
from app.identity.tokens import TokenIssuer

MOST_PASSKEYS = 20


class PasskeyService:
    """Registers, names and removes passkeys. Each challenge is answered once, see `ChallengeLedger`."""

    def __init__(
        self,
        db: AsyncSession,
        logins: LoginService,
        passkeys: PasskeyRepository,
        sessions: SessionRepository,
        challenges: ChallengeLedger,
        site: RelyingParty,
    ) -> None:
        self._db = db
        self._logins = logins
        self._passkeys = passkeys
        self._sessions = sessions
        self._challenges = challenges
        self._site = site

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            LoginService.build(session, tokens, settings),
            PasskeyRepository(session),
            SessionRepository(session),
            ChallengeLedger.build(session, settings.jwt),
            RelyingParty(settings),
        )

    async def begin_registration(self, caller: Principal, proof: Proof | None) -> JsonObject:
        """What to ask the authenticator for; passkeys that are there already are excluded.

        A stolen session must not plant a way in that outlives it, so a fresh proof is asked for.
        Raises StepUpRequired, WrongPassword, AccountLocked, TooManyPasskeys.
        """
        user = await self._logins.confirm_owner(caller, proof)
        known = await self._passkeys.list_of(user.id)
        if len(known) >= MOST_PASSKEYS:
            raise _too_many()
        challenge = self._challenges.issue(
            ChallengePurpose.PASSKEY_REGISTRATION, user.id, stamp=caller.session_id or ""
        )
        ids = [passkey.credential_id for passkey in known]
        return self._site.registration_options(challenge, user.id, user.username, ids)

    async def register(self, caller: Principal, registration: PasskeyRegistration) -> PasskeyOut:
        """Keep the new passkey; this session counts as having shown it.

        Raises PasskeyNotAccepted, PasskeyRegistered, TooManyPasskeys.
        """
        text = challenge_of(registration.credential)
        challenge = self._challenges.read(ChallengePurpose.PASSKEY_REGISTRATION, text)
        is_own = challenge is not None and (challenge.user_id, challenge.stamp) == (
            caller.user_id,
            caller.session_id,
        )
        verified = self._site.verify_registration(registration.credential, text) if is_own else None
        if challenge is None or verified is None or not await self._challenges.count_answer(challenge):
            raise PasskeyNotAccepted("Ask for new options and let the authenticator answer once more.")
        # Locked, so that two registrations at once cannot both be the last that is allowed.
        await self._sessions.require_owner(caller)
        if await self._passkeys.count_of(caller.user_id) >= MOST_PASSKEYS:
            raise _too_many()
        passkey = await self._passkeys.add(
            Passkey(
                user_id=caller.user_id,
                name=registration.name,
                credential_id=verified.credential_id,
                public_key=verified.credential_public_key,
                sign_count=verified.sign_count,
                transports=transports_of(registration.credential),
            )
        )
        await self._sessions.add_factor(uuid.UUID(caller.session_id), "passkey")
        await record_factor_change(self._db, caller.user_id, "passkey_added", factor=passkey.name)
        return PasskeyOut.model_validate(passkey)

    async def list_own(self, caller: Principal) -> PasskeyList:
        """The caller's passkeys."""
        items = [PasskeyOut.model_validate(each) for each in await self._passkeys.list_of(caller.user_id)]
        return PasskeyList(items=items, total=len(items))

    async def rename(self, caller: Principal, passkey_id: int, name: str) -> PasskeyOut:
        """Another name for the caller's passkey. Raises PasskeyNotFound."""
        passkey = await self._passkeys.rename(caller.user_id, passkey_id, name)
        if passkey is None:
            raise _not_found(passkey_id)
        return PasskeyOut.model_validate(passkey)

    async def remove(self, caller: Principal, passkey_id: int) -> None:
        """The caller's passkey opens nothing any more; after the last one no session counts as having shown one.

        Raises PasskeyNotFound.
        """
        # Locked, so that of two removals at once one sees that it was the last.
        await self._sessions.require_owner(caller)
        name = await self._passkeys.remove(caller.user_id, passkey_id)
        if name is None:
            raise _not_found(passkey_id)
        if not await self._passkeys.count_of(caller.user_id):
            await CredentialRepository(self._db).drop_factors(caller.user_id, "passkey")
        await record_factor_change(self._db, caller.user_id, "passkey_removed", factor=name)


class PasskeyLogin:
    """Logs in with a passkey."""

    def __init__(
        self,
        db: AsyncSession,
        sessions: SessionService,
        passkeys: PasskeyRepository,
        repository: SessionRepository,
        challenges: ChallengeLedger,
        site: RelyingParty,
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._passkeys = passkeys
        self._repository = repository
        self._challenges = challenges
        self._site = site

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            SessionService.build(session, tokens),
            PasskeyRepository(session),
            SessionRepository(session),
            ChallengeLedger.build(session, settings.jwt),
            RelyingParty(settings),
        )

    def begin_login(self) -> JsonObject:
        """What to ask of any authenticator that has a passkey of this site; writes nothing."""
        return self._site.login_options(self._challenges.issue(ChallengePurpose.PASSKEY_LOGIN))

    async def log_in(self, assertion: PasskeyAssertion, before: BrowserTokens | None = None) -> TokenOut:
        """A session for the passkey's account, in place of the one that a browser had `before`.

        Raises what `verify` raises.
        """
        user = await self.verify(assertion.credential)
        return await self._sessions.open(user, assertion.scopes, ["passkey"], before)

    async def verify(self, credential: JsonObject, owner_id: int | None = None) -> User:
        """The account of the passkey, `owner_id`'s if one is named: two factors, possession and the verified user.

        Raises PasskeyRefused, one answer whatever was wrong, which keeps the audit entry where the passkey is
        known; and PasskeyCopied when the sign count did not rise, audited and mailed.
        """
        text = challenge_of(credential)
        challenge = self._challenges.read(ChallengePurpose.PASSKEY_LOGIN, text)
        who = presented(credential)
        passkey = await self._passkeys.find_by_credential(who.credential_id) if challenge and who else None
        if challenge is None or who is None or passkey is None:
            raise _refused()
        user = None
        proof = self._site.verify_login(credential, text, passkey.public_key)
        is_theirs = who.user_handle in {None, user_handle(passkey.user_id)}
        is_asked_for = owner_id in {None, passkey.user_id}
        if proof and is_theirs and is_asked_for and await self._challenges.count_answer(challenge):
            user = await self._repository.lock_user(passkey.user_id)
        if proof is None or user is None or not user.is_active:
            record_audit(self._db, "login.failed", ("user", passkey.user_id))
            raise _refused()
        if not await self._passkeys.use(passkey.id, proof.new_sign_count):
            await record_factor_change(self._db, user.id, "passkey_copied", factor=passkey.name)
            raise PasskeyCopied(
                "Log in another way, remove this passkey and make a new one.", headers=CHALLENGE
            )
        return user


def _too_many() -> TooManyPasskeys:
    return TooManyPasskeys(f"An account has at most {MOST_PASSKEYS} passkeys.")


def _not_found(passkey_id: int) -> PasskeyNotFound:
    return PasskeyNotFound(f"You have no passkey {passkey_id}.")


def _refused() -> PasskeyRefused:
    return PasskeyRefused(
        "This passkey does not open an account here; log in another way.", headers=CHALLENGE
    )
