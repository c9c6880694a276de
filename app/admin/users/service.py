"""Managing other people's accounts.

Nobody acts on an account above their own; equals may act on each other, or an
administrator who left could never be closed where no super_admin exists. What keeps that
safe: super_admin is out of HTTP's reach, the last administrator stays, all is audited.
"""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.users.errors import NotOnOneself, Outranked, SecondFactorMissing, SuperAdminFixed
from app.admin.users.queries import unknown_account
from app.admin.users.repository import AdminUserRepository
from app.admin.users.schemas import AdminUserPatch
from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.http.conditional import Precondition
from app.identity.accounts.role_guard import RoleGuard
from app.identity.credentials.service import CredentialService
from app.identity.credentials.table import AccountEvent
from app.identity.models import User
from app.identity.permissions import ADMINISTRATORS, Role, outranks
from app.identity.principal import Principal, account_group, profile_group
from app.identity.sessions.gate import names_of
from app.identity.sessions.repository import FailureRepository


class UserAdminService:
    """What staff do with accounts. Every change is audited and heard by every worker."""

    def __init__(
        self,
        db: AsyncSession,
        users: AdminUserRepository,
        guard: RoleGuard,
        failures: FailureRepository,
        credentials: CredentialService,
    ) -> None:
        self._db = db
        self._users = users
        self._guard = guard
        self._failures = failures
        self._credentials = credentials

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            AdminUserRepository(session),
            RoleGuard.build(session),
            FailureRepository(session),
            CredentialService.build(session),
        )

    async def change(
        self, actor: Principal, user_id: int, precondition: Precondition, patch: AdminUserPatch
    ) -> None:
        """Set the fields that were sent. Raises what `_lock` raises, and NotOnOneself for `is_verified`."""
        user = await self._lock(actor, user_id, precondition)
        sent = patch.sent()
        if "is_verified" in sent and user_id == actor.user_id:
            raise NotOnOneself("Prove your address by the mail that you get; nobody vouches for themselves.")
        await self._set(user, "user.changed", **sent)

    async def set_role(self, actor: Principal, user_id: int, precondition: Precondition, role: Role) -> None:
        """Give the account a role, which ends its sessions; the same role again changes nothing.

        Raises what `_lock_standing` raises, SuperAdminFixed when the role is, or would be, super_admin, and
        Outranked when it stands above the caller's own.
        """
        user = await self._lock_standing(actor, user_id, precondition, is_taking=role not in ADMINISTRATORS)
        if Role.SUPER_ADMIN in {role, Role(user.role)}:
            raise SuperAdminFixed("Use the command `bookstore create-admin --super` on the server.")
        if outranks(role, actor.role):
            raise Outranked(f"You are {actor.role} and cannot make anybody {role}.")
        if await self._set(user, "user.role_changed", role=role.value):
            await self._credentials.end(user_id, AccountEvent.ROLE_CHANGED)

    async def activate(self, actor: Principal, user_id: int, precondition: Precondition) -> None:
        """Open the account again; an open one stays as it is. Raises what `_lock_standing` raises."""
        user = await self._lock_standing(actor, user_id, precondition, is_taking=False)
        await self._set(user, "user.activated", is_active=True)

    async def deactivate(self, actor: Principal, user_id: int, precondition: Precondition) -> None:
        """Close the account, which ends its sessions, API keys and passkeys; a closed one stays as it is. Raises what `_lock_standing` raises."""
        user = await self._lock_standing(actor, user_id, precondition, is_taking=True)
        if await self._set(user, "user.deactivated", is_active=False):
            await self._credentials.end(user_id, AccountEvent.DEACTIVATED)

    async def unlock(self, actor: Principal, user_id: int, precondition: Precondition) -> None:
        """Forget failed logins, so that the account is locked for no client. Raises what `_lock` raises."""
        user = await self._lock(actor, user_id, precondition)
        await self._failures.clear(names_of(user))
        record_audit(self._db, "user.unlocked", ("user", user_id))

    async def end_sessions(self, actor: Principal, user_id: int, precondition: Precondition) -> None:
        """Log the account out everywhere, its API keys too. Raises what `_lock` raises."""
        await self._lock(actor, user_id, precondition)
        ended = await self._credentials.end(user_id, AccountEvent.ENDED_BY_STAFF)
        record_audit(self._db, "user.sessions_ended", ("user", user_id), {"ended": (ended, 0)})

    async def remove_second_factor(self, actor: Principal, user_id: int, precondition: Precondition) -> None:
        """Take away the factors of an owner who has lost them: their password alone opens the account again.

        Raises what `_lock` raises, NotOnOneself, and SecondFactorMissing where there is none.
        """
        await self._lock(actor, user_id, precondition)
        if user_id == actor.user_id:
            raise NotOnOneself(
                "Another administrator removes your second factor; a recovery code works, too."
            )
        if not await self._credentials.end(user_id, AccountEvent.SECOND_FACTOR_REMOVED):
            raise SecondFactorMissing("The account has no second factor.")
        record_audit(self._db, "user.second_factor_removed", ("user", user_id))

    async def _lock(self, actor: Principal, user_id: int, precondition: Precondition) -> User:
        """Lock the account for a change. Raises AccountNotFound, Outranked, StaleVersion."""
        user = await self._users.lock(user_id)
        if user is None:
            raise unknown_account(user_id)
        if outranks(Role(user.role), actor.role):
            raise Outranked(f"You are {actor.role} and cannot act on a {user.role}.")
        precondition.check(user.version)
        return user

    async def _lock_standing(
        self, actor: Principal, user_id: int, precondition: Precondition, *, is_taking: bool
    ) -> User:
        """Lock the account for a change of who may do what; `is_taking` takes an administrator away.

        Raises what `_lock` raises, and LastAdmin; Raises NotOnOneself; Raises RoleLost.
        """
        await self._guard.lock_roles()
        user = await self._lock(actor, user_id, precondition)
        if is_taking:
            await self._guard.require_other_admin(user)
        if user_id == actor.user_id:
            raise NotOnOneself("Nobody changes their own role, or opens or closes their own account here.")
        await self._guard.require_still(actor)
        return user

    async def _set(self, user: User, action: str, **values: object) -> bool:
        changes = {name: (old, new) for name, new in values.items() if (old := getattr(user, name)) != new}
        for name, (_, new) in changes.items():
            setattr(user, name, new)
        if changes:
            await self._users.flush()
            record_audit(self._db, action, ("user", user.id), changes)
            invalidate(self._db, account_group(user.id), profile_group(user.id))
        return bool(changes)
