"""Checking a password: limits, locks and hashing, before any transaction is begun."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.queries import AnyRow
from app.core.errors import FieldProblem, RateLimited
from app.core.rate_limit import RateLimiter
from app.identity.breached_passwords import BreachedPasswords
from app.identity.emails import address_digest
from app.identity.errors import AccountLocked, NewPasswordRefused
from app.identity.models import User
from app.identity.password_rules import LONGEST, weakness
from app.identity.passwords import hash_password, verify_password
from app.identity.principal import Principal
from app.identity.sessions.queries import find_locks, find_secret, find_secret_by_login


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the full address, and the part of it that limits count (of IPv6 the /64)."""

    ip: str
    network: str


@dataclass(frozen=True, slots=True)
class Proof:
    """How a password check went. `verified_hash` must still be the account's when the proof is used.

    Failures count under `name`, whose lock the caller is told of, and under `hidden`, whose lock looks like a
    wrong password: it counts for the account what was tried under its user name and under its address.
    """

    name: str
    hidden: str | None
    client: Client
    user_id: int | None
    verified_hash: str | None
    new_hash: str | None

    @property
    def names(self) -> list[str]:
        """Under what a failure counts; what was typed comes first, so that locks are taken in one order."""
        return [self.name] if self.hidden is None else [self.name, self.hidden]

    @property
    def is_right(self) -> bool:
        """Whether the password was the account's."""
        return self.verified_hash is not None


class PasswordGate:
    """Checks passwords without holding a database connection while it hashes.

    Nobody learns from it whether an account exists, nor that a user name and an address are one account's: a
    login that nobody has is looked up, hashed, counted and locked alike, and what is told depends on what was
    typed alone. Failures count per client (five lock it out, see `FailureRepository`), and over all clients; an
    account's known clients are exempt from the latter, or strangers could lock its owner out.
    """

    def __init__(self, database: Database, limiter: RateLimiter, breached: BreachedPasswords) -> None:
        self._database = database
        self._limiter = limiter
        self._breached = breached

    async def check_login(self, login: str, password: str, client: Client) -> Proof:
        """The proof for a user name or e-mail address. Raises AccountLocked, RateLimited, HashingBusy."""
        name = login_name(login)
        async with self._database.reading() as connection:
            # NUL cannot be stored, so no account has it in its name.
            found = None if "\0" in login else await find_secret_by_login(connection, login, client.ip)
            await _refuse_locked(connection, name, client)
        hidden = account_key(found.id) if found else f"nobody:{name}"
        return await self._check(name, hidden, found, password, client)

    async def check_own(self, user_id: int, password: str, client: Client) -> Proof:
        """The proof for an account that is logged in. Raises AccountLocked, RateLimited, HashingBusy."""
        account = account_key(user_id)
        async with self._database.reading() as connection:
            found = await find_secret(connection, user_id, client.ip)
            await _refuse_locked(connection, account, client)
        return await self._check(account, None, found, password, client)

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
        self, name: str, hidden: str | None, found: AnyRow | None, password: str, client: Client
    ) -> Proof:
        pair, is_known = f"{name} {client.network}", bool(found and found.knows_client)
        await self._limiter.refuse_beyond("login_pair", pair)
        is_barred = False
        if not is_known:
            await self._limiter.refuse_beyond("login_account", name)
            is_barred = hidden is not None and await self._is_used_up("login_account", hidden)
        is_right, new_hash = False, None
        if len(password) <= LONGEST:
            is_right, new_hash = await verify_password(password, found.password_hash if found else None)
        is_right = is_right and not is_barred
        if not is_right:
            await self._count("login_pair", pair)
            if not is_known:
                await self._count("login_account", name)
                if hidden is not None:
                    await self._count("login_account", hidden)
        return Proof(
            name=name,
            hidden=hidden,
            client=client,
            user_id=found.id if found else None,
            verified_hash=found.password_hash if found and is_right else None,
            new_hash=new_hash,
        )

    async def _is_used_up(self, zone: str, key: str) -> bool:
        try:
            await self._limiter.refuse_beyond(zone, key)
        except RateLimited:
            return True
        return False

    async def _count(self, zone: str, key: str) -> None:
        # Over the quota by now, this attempt still was one.
        with suppress(RateLimited):
            await self._limiter.check(zone, key)


async def _refuse_locked(connection: AsyncConnection, name: str, client: Client) -> None:
    for lock in await find_locks(connection, [name], client.network):
        raise locked(lock.locked_until)


def account_key(user_id: int) -> str:
    """How failed logins name an account."""
    return str(user_id)


def login_name(login: str) -> str:
    """How failed logins name what was typed, in its normal form."""
    return f"login:{address_digest(login)}"


def names_of(user: User) -> list[str]:
    """Everything under which failed logins may have counted for the account."""
    return [login_name(user.username), login_name(user.email), account_key(user.id)]


def locked(until: datetime) -> AccountLocked:
    """The refusal, saying when to come back."""
    seconds = max(1, ceil((until - utc_now()).total_seconds()))
    minutes = ceil(seconds / 60)
    return AccountLocked(
        f"Too many wrong passwords from here; try again in {minutes} min, or reset the password.",
        headers={"Retry-After": str(seconds)},
    )
