"""The rules that every change of a role, and of who is active, keeps."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.errors import LastAdmin, RoleLost
from app.identity.models import User
from app.identity.permissions import ADMINISTRATORS, Role
from app.identity.principal import Principal
from app.identity.roles.repository import RoleRepository


class RoleGuard:
    """Lets changes of roles happen one after the other, and none that takes the last administrator."""

    def __init__(self, roles: RoleRepository) -> None:
        self._roles = roles

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """The guard on one session."""
        return cls(RoleRepository(session))

    async def hold(self) -> None:
        """Keep all roles as they are until the transaction ends.

        Before any account is locked: the other order would let two requests wait for each other.
        """
        await self._roles.lock_roles()

    async def require_other_admin(self, user: User) -> None:
        """The account may stop being an active administrator. LastAdmin. Only after `hold`."""
        is_admin = user.is_active and user.role in ADMINISTRATORS
        if is_admin and not await self._roles.has_other_admin(user.id):
            raise LastAdmin("Make somebody else an administrator first.")

    async def require_still(self, actor: Principal) -> None:
        """The caller still is what the token was checked for. RoleLost. Only after `hold`."""
        standing = await self._roles.find_standing(actor.user_id)
        if standing is None or not standing.is_active or Role(standing.role) is not actor.role:
            raise RoleLost("Your own role changed in the meantime.")
