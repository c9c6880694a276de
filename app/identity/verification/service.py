"""One-time tokens that are mailed: what they prove, and what proving it changes."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.queries import AnyRow
from app.core.events.events import Event, publish
from app.identity.accounts.repository import AccountRepository
from app.identity.breached_passwords import BreachedPasswords
from app.identity.credentials.service import CredentialService
from app.identity.credentials.table import AccountEvent
from app.identity.emails import email_key
from app.identity.errors import InvalidOneTimeToken, NewPasswordRefused
from app.identity.events import (
    AddressUnknown,
    EmailChanged,
    EmailVerificationRequested,
    NewsletterChosen,
    PasswordChanged,
    PasswordResetRequested,
)
from app.identity.models import OneTimeToken, User
from app.identity.password_rules import weakness
from app.identity.passwords import hash_password
from app.identity.principal import account_group
from app.identity.sessions.gate import names_of
from app.identity.sessions.repository import FailureRepository
from app.identity.verification.repository import OneTimeTokenRepository, find_owner_name

LINK_LIFETIME = timedelta(minutes=30)
_TOKEN_BYTES = 32


class TokenPurpose(StrEnum):
    """What a one-time token is good for, and nothing else."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 (a purpose, not a password)
    CHANGE_EMAIL = "change_email"
    STOP_EMAIL_CHANGE = "stop_email_change"


class VerificationService:
    """Issues one-time tokens, and acts on those that prove an address."""

    def __init__(
        self,
        session: AsyncSession,
        tokens: OneTimeTokenRepository,
        accounts: AccountRepository,
        credentials: CredentialService,
    ) -> None:
        self._db = session
        self._tokens = tokens
        self._accounts = accounts
        self._credentials = credentials

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            OneTimeTokenRepository(session),
            AccountRepository(session),
            CredentialService.build(session),
        )

    async def issue(self, user_id: int, purpose: TokenPurpose, email: str) -> str:
        """A new token (256 bits) whose bearer reads the mail to `email`; only its hash is kept.

        It lasts 30 minutes, works once, and dies with the next change of password or address, and when a newer
        one of its purpose is made: the link in the newest mail is the one that works. The link that stops a
        change of address lasts as long as the one that completes it, whatever else is asked for meanwhile.
        """
        raw = secrets.token_urlsafe(_TOKEN_BYTES)
        now = utc_now()
        token = OneTimeToken(
            user_id=user_id,
            purpose=purpose.value,
            token_hash=one_time_token_hash(raw),
            email=email,
            created_at=now,
            expires_at=now + LINK_LIFETIME,
        )
        if token.purpose != TokenPurpose.STOP_EMAIL_CHANGE:
            await self._tokens.end_older(token)
        await self._tokens.add(token)
        return raw

    async def request_verification(self, email: str) -> None:
        """Have the address verified, if it is an open account's and is not yet. Nobody learns which."""
        await self._request(
            email, lambda owner: None if owner.is_verified else EmailVerificationRequested(owner.id)
        )

    async def request_reset(self, email: str) -> None:
        """Have a link to reset the password mailed, if the address is an open account's. Nobody learns which."""
        await self._request(email, lambda owner: PasswordResetRequested(owner.id))

    async def prove_email(self, raw: str) -> User:
        """The address that the token was mailed to is the account's, and is proven.

        The first proof of an account's address drops what was planted beside the password before it.
        Raises InvalidOneTimeToken; EmailTaken when another account has taken the address meanwhile.
        """
        purposes = (TokenPurpose.VERIFY_EMAIL, TokenPurpose.CHANGE_EMAIL)
        user, purpose, email = await self.redeem(raw, *purposes)
        if purpose is TokenPurpose.CHANGE_EMAIL:
            await self._change_email(user, email)
        elif not user.is_verified:
            user.is_verified = True
            await self._credentials.end(user.id, AccountEvent.ADDRESS_PROVEN)
            record_audit(
                self._db,
                "user.email_verified",
                ("user", user.id),
                {"is_verified": (False, True)},
                actor_id=user.id,
            )
            if user.newsletter:
                await publish(self._db, NewsletterChosen(user.id))
        await self._accounts.flush()
        invalidate(self._db, account_group(user.id))
        return user

    async def stop_email_change(self, raw: str) -> None:
        """Whoever reads the present address did not want another: nothing changes, and all that was logged in ends.

        Raises InvalidOneTimeToken.
        """
        user, _, _ = await self.redeem(raw, TokenPurpose.STOP_EMAIL_CHANGE)
        if user.pending_email is None:
            raise dead_token()
        stopped: dict[str, tuple[object, object]] = {"pending_email": (user.pending_email, None)}
        record_audit(self._db, "user.email_change_stopped", ("user", user.id), stopped, actor_id=user.id)
        await self._credentials.end(user.id, AccountEvent.EMAIL_CHANGE_STOPPED)

    async def redeem(self, raw: str, *purposes: TokenPurpose) -> tuple[User, TokenPurpose, str]:
        """Use the token up: its account, locked for a change, its purpose and the proven address.

        Raises InvalidOneTimeToken, which is one answer whatever is wrong.
        """
        digest = one_time_token_hash(raw)
        owner_id = await self._tokens.find_owner_id(digest)
        # The account before the token: whoever redeems another of its tokens is about to end this one.
        user = None if owner_id is None else await self._accounts.lock(owner_id)
        token = await self._tokens.use(digest, purposes, utc_now())
        if token is None or user is None or not user.is_active:
            raise dead_token()
        purpose = TokenPurpose(token.purpose)
        address = user.pending_email if purpose is TokenPurpose.CHANGE_EMAIL else user.email
        if token.email != address or token.created_at < user.password_changed_at:
            raise dead_token()
        return user, purpose, token.email

    async def _change_email(self, user: User, email: str) -> None:
        old = user.email
        user.email, user.email_key = email, email_key(email)
        user.is_verified, user.pending_email = True, None
        # The database judges now whether the address is free, before anything else is done.
        await self._accounts.flush()
        changes: dict[str, tuple[object, object]] = {"email": (old, email)}
        record_audit(self._db, "user.email_changed", ("user", user.id), changes, actor_id=user.id)
        await self._credentials.end(user.id, AccountEvent.EMAIL_CHANGED)
        await publish(self._db, EmailChanged(user.id, old))

    async def _request(self, email: str, event_for: Callable[[AnyRow], Event | None]) -> None:
        owner = await self._accounts.find_owner(email)
        event = event_for(owner) if owner is not None and owner.is_active else None
        # An event in any case: one write more or less would tell the clock whether the account exists.
        await publish(self._db, event or AddressUnknown())


class PasswordResetService:
    """Sets a new password for whoever holds a token that was mailed to the account's address."""

    def __init__(
        self,
        db: AsyncSession,
        database: Database,
        credentials: CredentialService,
        verification: VerificationService,
        accounts: AccountRepository,
        failures: FailureRepository,
    ) -> None:
        self._db = db
        self._database = database
        self._credentials = credentials
        self._verification = verification
        self._accounts = accounts
        self._failures = failures

    @classmethod
    def build(cls, session: AsyncSession, database: Database) -> Self:
        """Compose it on one session; `database` is read while no transaction waits for the hash."""
        return cls(
            session,
            database,
            CredentialService.build(session),
            VerificationService.build(session),
            AccountRepository(session),
            FailureRepository(session),
        )

    async def reset(self, raw: str, password: str, breached: BreachedPasswords) -> None:
        """Set the password, end what opens the account, lift locks; the address counts as proven. No login follows.

        Whoever is the first to prove the address owns it: then the second factor goes, too.
        Raises InvalidOneTimeToken, NewPasswordRefused, HashingBusy.
        """
        await self._check(raw, password)
        await breached.refuse(password, "new_password")
        # Before the transaction begins: hashing may wait its turn, and would hold a connection.
        password_hash = await hash_password(password)
        user, _, _ = await self._verification.redeem(raw, TokenPurpose.RESET_PASSWORD)
        event = AccountEvent.PASSWORD_RESET if user.is_verified else AccountEvent.ADDRESS_PROVEN_BY_RESET
        user.password_hash, user.password_changed_at = password_hash, utc_now()
        user.is_verified = True
        await self._accounts.flush()
        await self._failures.clear(names_of(user))
        await self._credentials.end(user.id, event)
        changes: dict[str, tuple[object, object]] = {"password": ("", "")}
        record_audit(self._db, "user.password_reset", ("user", user.id), changes, actor_id=user.id)
        await publish(self._db, PasswordChanged(user.id))
        if user.newsletter:
            # It may be the proof that was missing.
            await publish(self._db, NewsletterChosen(user.id))
        invalidate(self._db, account_group(user.id))

    async def _check(self, raw: str, password: str) -> None:
        async with self._database.reading() as connection:
            username = await find_owner_name(
                connection, one_time_token_hash(raw), TokenPurpose.RESET_PASSWORD.value, utc_now()
            )
        if username is None:
            raise dead_token()
        if reason := weakness(password, username):
            about = NewPasswordRefused.about("new_password", reason)
            raise NewPasswordRefused(f"The password {reason}.", errors=about)


def one_time_token_hash(raw: str) -> bytes:
    """SHA-256, which suffices for what nobody can guess."""
    return hashlib.sha256(raw.encode("utf-8", "replace")).digest()


def dead_token() -> InvalidOneTimeToken:
    """One answer for unknown, used, expired and outdated tokens."""
    return InvalidOneTimeToken(
        "The link was used, is older than 30 minutes or than another one that we sent, or is not ours; ask for a new one."
    )


async def issue(session: AsyncSession, user_id: int, purpose: TokenPurpose, email: str) -> str:
    """As `VerificationService.issue`, for the handler that writes the mail."""
    return await VerificationService.build(session).issue(user_id, purpose, email)
