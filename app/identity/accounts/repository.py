"""Reading and writing accounts."""

import hashlib
import unicodedata

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.queries import AnyRow, snapshot_text
from app.identity.models import User

_ACCOUNT = select(
    User.id,
    User.username,
    User.email,
    User.pending_email,
    User.full_name,
    User.first_name,
    User.last_name,
    User.phone,
    User.date_of_birth,
    User.newsletter,
    User.notifications,
    User.terms_accepted_at,
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

    async def flush(self) -> None:
        """Write what changed, so that the database judges it and the new version is known."""
        await self._session.flush()

    async def lock(self, user_id: int) -> User | None:
        """The account as committed by now, held for a change."""
        statement = select(User).where(User.id == user_id).with_for_update()
        statement = statement.execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).one_or_none()

    async def find_owner(self, email: str) -> AnyRow | None:
        """`id, is_active, is_verified` of the account with this e-mail address."""
        statement = select(User.id, User.is_active, User.is_verified).where(
            User.email_key == email_key(email)
        )
        return (await self._session.execute(statement)).one_or_none()


async def find_account(connection: AsyncConnection, user_id: int) -> AnyRow | None:
    """The account's public columns and the snapshot they were read in."""
    result = await connection.execute(_ACCOUNT.where(User.id == user_id))
    return result.one_or_none()


async def has_username(session: AsyncSession, username: str) -> bool:
    """Whether an account, open or closed, has this name."""
    return bool(await session.scalar(select(exists().where(User.username == username))))


def email_key(email: str) -> str:
    """The form in which addresses are compared: NFKC, case folded."""
    return unicodedata.normalize("NFKC", email).casefold()


def address_digest(email: str) -> str:
    """How limits name an address, so that none of it stands in Redis."""
    return hashlib.sha256(email_key(email).encode()).hexdigest()
