"""Logging in."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.accounts.repository import AccountRepository
from app.identity.errors import CHALLENGE, WrongCredentials
from app.identity.passwords import LONGEST, verify_password
from app.identity.permissions import Role, permissions_of
from app.identity.sessions.schemas import TokenOut
from app.identity.tokens import TokenIssuer


class SessionService:
    """Turns credentials into tokens."""

    def __init__(self, accounts: AccountRepository, tokens: TokenIssuer) -> None:
        self._accounts = accounts
        self._tokens = tokens

    @classmethod
    def build(cls, session: AsyncSession, tokens: TokenIssuer) -> Self:
        """The service on one session."""
        return cls(AccountRepository(session), tokens)

    async def log_in(self, login: str, password: str, requested: list[str]) -> TokenOut:
        """A token for the account with this user name or e-mail address.

        Asked for no scope, the token gets all that the role has; else the part of it that was
        asked for. WrongCredentials is one answer, after equal work, whatever was wrong. HashingBusy.
        """
        # NUL cannot be stored, so no account has it in its name.
        user = None if "\0" in login else await self._accounts.find_by_login(login)
        is_right, new_hash = False, None
        if len(password) <= LONGEST:
            is_right, new_hash = await verify_password(password, user.password_hash if user else None)
        if user is None or not is_right or not user.is_active:
            raise WrongCredentials("The user name or the password is wrong.", headers=CHALLENGE)
        if new_hash is not None:
            user.password_hash = new_hash
        role = Role(user.role)
        permissions = permissions_of(role)
        if requested:
            permissions = frozenset(permission for permission in permissions if permission in requested)
        return TokenOut(
            access_token=self._tokens.issue(user.id, role, permissions),
            expires_in=self._tokens.access_ttl,
            scope=" ".join(sorted(permissions)),
        )
