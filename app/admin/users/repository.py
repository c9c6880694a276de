"""Locks other people's accounts for a change."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import User


class AdminUserRepository:
    """Accounts of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def lock(self, user_id: int) -> User | None:
        """The account, locked against other writers until the transaction ends."""
        # Not against logins, whose sessions refer to the row: they need not wait.
        return await self._db.get(User, user_id, with_for_update={"key_share": True})

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads what the database made of it."""
        await self._db.flush()
