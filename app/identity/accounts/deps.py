"""What the accounts' router asks for: the service, and the caller's account as it is shown to them."""

from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Depends, Request

from app.core.cache.hot import CacheSpace, Entry, HotCache, Snapshot
from app.core.db.engine import Database
from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.http.responses import PRIVATE, Representation, represent
from app.core.languages import preferred
from app.core.rate_limit import RateLimiter
from app.identity.accounts.queries import find_account, show_account
from app.identity.accounts.schemas import ProfileIn, ProfilePatch, UserRegister
from app.identity.accounts.service import AccountService
from app.identity.authentication.deps import ProfileEditor
from app.identity.breached_passwords import BreachedPasswords
from app.identity.emails import address_digest
from app.identity.errors import NewPasswordRefused
from app.identity.permissions import Permission
from app.identity.principal import Principal, account_group
from app.identity.tokens import invalid_token


@dataclass(frozen=True, slots=True)
class OwnAccountAnswer:
    """An account's ready answer for its owner, and the one field of it that rules ask for."""

    email: str
    answer: Representation

    def encode(self) -> bytes:
        """The address in a line, then the answer."""
        return b"%s\n%s" % (self.email.encode(), self.answer.encode())

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """The same again."""
        email, answer = encoded.split(b"\n", 1)
        return cls(email.decode(), Representation.decode(answer))


_ACCOUNTS = CacheSpace("account_answer", OwnAccountAnswer.encode, OwnAccountAnswer.decode)


async def find_own_account(request: Request, user: Principal) -> OwnAccountAnswer:
    """The caller's account as these credentials show it now, through the hot cache.

    Raises InvalidToken when it is gone.
    """
    database: Database = request.app.state.database
    cache: HotCache = request.app.state.cache
    with_person = user.may(Permission.PROFILE_READ)

    async def load() -> Entry[OwnAccountAnswer]:
        async with database.reading() as connection:
            row = await find_account(connection, user.user_id)
        if row is None:
            raise invalid_token("The account of this token is gone.")
        answer = OwnAccountAnswer(
            row.email, represent(show_account(row, with_person=with_person), cache_control=PRIVATE)
        )
        return Entry(answer, Snapshot(row.snapshot))

    return await cache.get(_ACCOUNTS, account_group(user.user_id), f"{user.user_id}:{with_person:d}", load)


async def _limit_new_address(request: Request, user: Principal, email: str | None) -> None:
    """Count a wish for another address: it sends a mail to somebody who may not be the caller."""
    if email is None or email == (await find_own_account(request, user)).email:
        return
    limiter: RateLimiter = request.app.state.rate_limiter
    await limiter.check("email_change", str(user.user_id))
    await limiter.check("mail_address", address_digest(email))


@refuses(RateLimited)
async def get_profile(request: Request, user: ProfileEditor, profile: ProfileIn) -> ProfileIn:
    """The whole profile. Raises RateLimited when it wants yet another address."""
    await _limit_new_address(request, user, profile.email)
    return profile


@refuses(RateLimited)
async def get_patch(request: Request, user: ProfileEditor, patch: ProfilePatch) -> ProfilePatch:
    """The change. Raises RateLimited when it wants yet another address."""
    await _limit_new_address(request, user, patch.email)
    return patch


@refuses(NewPasswordRefused)
async def get_registration(request: Request, account: UserRegister) -> UserRegister:
    """The account to be opened, in the browser's language where it names none.

    Raises NewPasswordRefused for a password that leaked.
    """
    breached: BreachedPasswords = request.app.state.breached_passwords
    await breached.refuse(account.password, "password")
    language = account.language or preferred(request.headers.get("accept-language"))
    return account.model_copy(update={"language": language})


async def get_account_service(session: SessionDep) -> AccountService:
    """Accounts on the request's transaction."""
    return AccountService.build(session)


AccountServiceDep = Annotated[AccountService, Depends(get_account_service, scope="function")]
