"""Checking a password: limits, locks and hashing, before any transaction is begun."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.queries import AnyRow
from app.core.errors import FieldProblem, RateLimited
from app.core.rate_limit import RateLimiter
from app.identity.breached_passwords import BreachedPasswords
from app.identity.emails import email_key
from app.identity.errors import AccountLocked, NewPasswordRefused
from app.identity.password_rules import LONGEST, weakness
from app.identity.passwords import hash_password, verify_password
from app.identity.principal import Principal
from app.identity.sessions.queries import find_lock, find_secret, find_secret_by_login


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the full address, and the part of it that limits count (of IPv6 the /64)."""

    ip: str
    network: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How a password check went. `verified_hash` must still be the account's when the proof is used."""

    account: str
    client: Client
    user_id: int | None
    verified_hash: str | None
    new_hash: str | None

    @property
    def is_right(self) -> bool:
        """Whether the password was the account's."""
        return self.verified_hash is not None


class PasswordGate:
    """Checks passwords without holding a database connection while it hashes.

    The work is the same for an account that does not exist. Failures count per account and
    client (five lock the pair, see `FailureRepository`), and per account over all clients; an
    account's known clients are exempt from the latter, or strangers could lock its owner out.
    """

    def __init__(self, database: Database, limiter: RateLimiter, breached: BreachedPasswords) -> None:
        self._database = database
        self._limiter = limiter
        self._breached = breached

    async def check_login(self, login: str, password: str, client: Client) -> Proof:
        """The proof for a user name or e-mail address. Raises AccountLocked, RateLimited, HashingBusy."""
        digest = hashlib.sha256(email_key(login).encode("utf-8", "replace")).hexdigest()
        async with self._database.reading() as connection:
            # NUL cannot be stored, so no account has it in its name.
            found = None if "\0" in login else await find_secret_by_login(connection, login, client.ip)
            account = account_key(found.id) if found else f"login:{digest}"
            locked_until = await find_lock(connection, account, client.network)
        return await self._check(account, found, password, client, locked_until)

    async def check_own(self, user_id: int, password: str, client: Client) -> Proof:
        """The proof for an account that is logged in. Raises AccountLocked, RateLimited, HashingBusy."""
        account = account_key(user_id)
        async with self._database.reading() as connection:
            found = await find_secret(connection, user_id, client.ip)
            locked_until = await find_lock(connection, account, client.network)
        return await self._check(account, found, password, client, locked_until)

    async def check_change(
        self, principal: Principal, current: str, new: str, client: Client
    ) -> tuple[Proof, str]:
        """The proof for a change of password, and the new hash. Raises NewPasswordRefused before the new one is hashed."""
        reason = "must differ from the current one" if new == current else weakness(new, principal.username)
        if reason:
            problem: FieldProblem = {"field": "new_password", "message": reason, "type": "password"}
            raise NewPasswordRefused(f"new_password: {reason}", errors=[problem])
        proof = await self.check_own(principal.user_id, current, client)
        if not proof.is_right:
            return proof, ""
        await self._breached.refuse(new, "new_password")
        return proof, await hash_password(new)

    async def _check(
        self, account: str, found: AnyRow | None, password: str, client: Client, locked_until: datetime | None
    ) -> Proof:
        if locked_until is not None:
            raise locked(locked_until)
        pair, is_known = f"{account} {client.network}", bool(found and found.knows_client)
        await self._limiter.refuse_beyond("login_pair", pair)
        if not is_known:
            await self._limiter.refuse_beyond("login_account", account)
        is_right, new_hash = False, None
        if len(password) <= LONGEST:
            is_right, new_hash = await verify_password(password, found.password_hash if found else None)
        if not is_right:
            await self._count("login_pair", pair)
            if not is_known:
                await self._count("login_account", account)
        return Proof(
            account=account,
            client=client,
            user_id=found.id if found else None,
            verified_hash=found.password_hash if found and is_right else None,
            new_hash=new_hash,
        )

    async def _count(self, zone: str, key: str) -> None:
        # Over the quota by now, this attempt still was one.
        with suppress(RateLimited):
            await self._limiter.check(zone, key)


def account_key(user_id: int) -> str:
    """How failed logins name an account."""
    return str(user_id)


def locked(until: datetime) -> AccountLocked:
    """The refusal, saying when to come back."""
    seconds = max(1, ceil((until - utc_now()).total_seconds()))
    minutes = ceil(seconds / 60)
    return AccountLocked(
        f"Too many wrong passwords from here; try again in {minutes} min, or reset the password.",
        headers={"Retry-After": str(seconds)},
    )
