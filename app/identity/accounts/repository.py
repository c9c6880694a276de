"""Reading and writing accounts."""

import unicodedata

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db import snapshot_text
from app.core.repository import AnyRow
from app.identity.models import User

_ACCOUNT = select(
    User.id,
    User.username,
    User.email,
    User.full_name,
    User.role,
    User.is_active,
    User.is_verified,
    User.version,
    User.created_at,
    User.updated_at,
    snapshot_text,
)


class AccountRepository:
    """Accounts of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, user: User) -> User:
        """Insert the account; uniqueness is the database's to judge, at once."""
        self._session.add(user)
        # Flushed here so that the id is known and a taken name is refused before anything else is done.
        await self._session.flush()
        return user

    async def find_by_login(self, login: str) -> User | None:
        """The account with this user name or e-mail address."""
        statement = select(User).where(
            or_(User.username == login.lower(), User.email_key == email_key(login))
        )
        return (await self._session.scalars(statement)).one_or_none()


async def find_account(connection: AsyncConnection, user_id: int) -> AnyRow | None:
    """The account's public columns and the snapshot they were read in."""
    result = await connection.execute(_ACCOUNT.where(User.id == user_id))
    return result.one_or_none()


def email_key(email: str) -> str:
    """The form in which addresses are compared: NFKC, case folded."""
    return unicodedata.normalize("NFKC", email).casefold()
