"""The rules that every change of a role, and of who is active, keeps."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.accounts.repository import AccountRepository
from app.identity.errors import LastAdmin, RoleLost
from app.identity.models import User
from app.identity.permissions import ADMINISTRATORS, Role
from app.identity.principal import Principal


class RoleGuard:
    """Lets changes of roles happen one after the other, and none that takes the last administrator."""

    def __init__(self, accounts: AccountRepository) -> None:
        self._accounts = accounts

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(AccountRepository(session))

    async def lock_roles(self) -> None:
        """Keep all roles as they are until the transaction ends.

        Before any account is locked: the other order would let two requests wait for each other.
        """
        await self._accounts.lock_roles()

    async def require_other_admin(self, user: User) -> None:
        """Refuse to take the last active administrator. Raises LastAdmin. Only after `lock_roles`."""
        is_admin = user.is_active and user.role in ADMINISTRATORS
        if is_admin and not await self._accounts.has_other_admin(user.id):
            raise LastAdmin("Make somebody else an administrator first.")

    async def require_still(self, actor: Principal) -> None:
        """Refuse a caller whose role changed since the token was checked. Raises RoleLost. Only after `lock_roles`."""
        standing = await self._accounts.find_standing(actor.user_id)
        if standing is None or not standing.is_active or Role(standing.role) is not actor.role:
            raise RoleLost("Your own role changed in the meantime.")
