"""Reading and writing accounts."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.locks import AdvisoryLock, acquire
from app.core.db.queries import AnyRow
from app.identity.emails import email_key
from app.identity.models import User
from app.identity.permissions import ADMINISTRATORS


class AccountRepository:
    """Accounts of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def add(self, user: User) -> User:
        """Insert the account; uniqueness is the database's to judge, at once."""
        self._db.add(user)
        # Flushed here so that the id is known and a taken name is refused before anything else is done.
        await self._db.flush()
        return user

    async def flush(self) -> None:
        """Write what changed, so that the database judges it and the new version is known."""
        await self._db.flush()

    async def lock(self, user_id: int) -> User | None:
        """The account as committed by now, locked for a change."""
        statement = select(User).where(User.id == user_id).with_for_update()
        statement = statement.execution_options(populate_existing=True)
        return (await self._db.scalars(statement)).one_or_none()

    async def find_owner(self, email: str) -> AnyRow | None:
        """`id, is_active, is_verified` of the account with this e-mail address."""
        statement = select(User.id, User.is_active, User.is_verified).where(
            User.email_key == email_key(email)
        )
        return (await self._db.execute(statement)).one_or_none()

    async def lock_roles(self) -> None:
        """Wait for other changes of roles, and keep them waiting until the transaction ends."""
        await self._db.execute(acquire(AdvisoryLock.ROLES))

    async def find_standing(self, user_id: int) -> AnyRow | None:
        """The account's `role` and `is_active` as committed by now."""
        statement = select(User.role, User.is_active).where(User.id == user_id)
        return (await self._db.execute(statement)).one_or_none()

    async def has_other_admin(self, user_id: int) -> bool:
        """Whether another active account administers."""
        others = exists().where(User.role.in_(ADMINISTRATORS), User.is_active, User.id != user_id)
        return bool(await self._db.scalar(select(others)))
