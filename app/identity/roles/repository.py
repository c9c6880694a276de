"""SQL of roles."""

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.locks import AdvisoryLock, acquire
from app.core.db.queries import AnyRow
from app.identity.models import User
from app.identity.permissions import ADMINISTRATORS


class RoleRepository:
    """Roles of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_roles(self) -> None:
        """Wait for other changes of roles, and keep them waiting until the transaction ends."""
        await self._session.execute(acquire(AdvisoryLock.ROLES))

    async def find_standing(self, user_id: int) -> AnyRow | None:
        """The account's `role` and `is_active` as committed by now."""
        statement = select(User.role, User.is_active).where(User.id == user_id)
        return (await self._session.execute(statement)).one_or_none()

    async def has_other_admin(self, user_id: int) -> bool:
        """Whether another active account administers."""
        others = exists().where(User.role.in_(ADMINISTRATORS), User.is_active, User.id != user_id)
        return bool(await self._session.scalar(select(others)))
