"""Opening accounts."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.answers import Document
from app.core.conditional import version_etag
from app.identity.accounts.repository import AccountRepository, email_key, find_account
from app.identity.accounts.schemas import UserOut, UserRegister
from app.identity.models import User
from app.identity.passwords import hash_password
from app.identity.permissions import Role


class AccountService:
    """What can be done with accounts."""

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The service on one session."""
        return cls(AccountRepository(session))

    async def register(self, request: UserRegister, role: Role = Role.USER) -> User:
        """Open an account. UsernameTaken, EmailTaken, HashingBusy."""
        user = User(
            username=request.username,
            email=request.email,
            email_key=email_key(request.email),
            full_name=request.full_name,
            password_hash=await hash_password(request.password),
            role=role.value,
        )
        return await self._accounts.add(user)


def account_group(user_id: int) -> str:
    """The cache group of one account."""
    return f"user:{user_id}"


async def read_account(connection: AsyncConnection, user_id: int) -> Document | None:
    """The account as its owner sees it, or None."""
    row = await find_account(connection, user_id)
    if row is None:
        return None
    account = UserOut.model_validate(row)
    return Document(model=account, snapshot=row.snapshot, etag=version_etag(account.version))
