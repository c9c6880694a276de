"""Opening accounts, and what their owners do with them."""

from collections.abc import Collection
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.events.events import publish
from app.core.http.conditional import Precondition
from app.identity.accounts.profile_fields import Notifications
from app.identity.accounts.repository import AccountRepository
from app.identity.accounts.role_guard import RoleGuard
from app.identity.accounts.schemas import AccountIn, ProfileIn, ProfilePatch
from app.identity.credentials.service import CredentialService
from app.identity.credentials.table import AccountEvent
from app.identity.emails import email_key
from app.identity.errors import PhoneNeeded
from app.identity.events import EmailChangeRequested, NewsletterChosen, UserRegistered
from app.identity.models import User
from app.identity.passwords import hash_password
from app.identity.permissions import Role
from app.identity.principal import Principal, account_group, profile_group
from app.identity.sessions.opened import tell_listeners
from app.identity.sessions.queries import is_still_logged_in
from app.identity.tokens import invalid_token

PROFILE_FIELDS = (
    "full_name",
    "first_name",
    "last_name",
    "phone",
    "date_of_birth",
    "gender",
    "language",
    "newsletter",
    "notifications",
)


PROVEN_FIELDS = frozenset({"pending_email", "phone"})
"""Ways to reach the owner, by which an account can be taken: a change needs a fresh proof."""


class AccountService:
    """What can be done with accounts."""

    def __init__(
        self,
        db: AsyncSession,
        accounts: AccountRepository,
        guard: RoleGuard,
        credentials: CredentialService,
    ) -> None:
        self._db = db
        self._accounts = accounts
        self._guard = guard
        self._credentials = credentials

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(
            session, AccountRepository(session), RoleGuard.build(session), CredentialService.build(session)
        )

    async def register(self, request: AccountIn, role: Role = Role.USER) -> User:
        """Open an account. Raises UsernameTaken, EmailTaken, HashingBusy."""
        user = User(
            username=request.username,
            email=request.email,
            email_key=email_key(request.email),
            password_hash=await hash_password(request.password),
            password_changed_at=utc_now(),
            terms_accepted_at=utc_now() if request.terms_accepted else None,
            role=role.value,
            **{name: getattr(request, name) for name in PROFILE_FIELDS},
        )
        await self._accounts.add(user)
        opening: dict[str, tuple[object, object]] = {"username": (None, user.username), "role": (None, role)}
        # Whoever registers acts for the new account; on the command line nobody is logged in.
        actor_id = user.id if role is Role.USER else None
        record_audit(self._db, "user.registered", ("user", user.id), opening, actor_id=actor_id)
        await publish(self._db, UserRegistered(user.id))
        await tell_listeners(self._db, user.id)
        return user

    async def replace(self, caller: Principal, precondition: Precondition, profile: ProfileIn) -> None:
        """Set the whole profile. Raises InvalidToken, StaleVersion, StepUpRequired."""
        user = await self._lock(caller, precondition)
        await self._apply(caller, user, profile, ProfileIn.model_fields.keys())

    async def change(self, caller: Principal, precondition: Precondition, patch: ProfilePatch) -> None:
        """Set the fields that were sent; nothing sent changes nothing.

        Raises InvalidToken, StaleVersion, PhoneNeeded, and StepUpRequired for another address or phone.
        """
        user = await self._lock(caller, precondition)
        if patch.model_fields_set:
            await self._apply(caller, user, patch, patch.model_fields_set)

    async def deactivate(self, caller: Principal, precondition: Precondition) -> None:
        """Close the account and end its sessions and API keys; only an administrator opens it again.

        Raises InvalidToken, StaleVersion, LastAdmin.
        """
        await self._guard.lock_roles()
        user = await self._lock(caller, precondition)
        await self._guard.require_other_admin(user)
        user.is_active = False
        await self._accounts.flush()
        record_audit(self._db, "user.deactivated", ("user", user.id), {"is_active": (True, False)})
        await self._credentials.end(user.id, AccountEvent.DEACTIVATED)
        invalidate(self._db, profile_group(user.id))

    async def _lock(self, caller: Principal, precondition: Precondition) -> User:
        user = await self._accounts.lock(caller.user_id)
        if user is None or not await is_still_logged_in(self._db, caller):
            raise invalid_token("The session of this token has ended; log in again.")
        precondition.check(user.version)
        return user

    async def _apply(
        self, caller: Principal, user: User, profile: ProfileIn | ProfilePatch, sent: Collection[str]
    ) -> None:
        changes = {
            name: (getattr(user, name), getattr(profile, name)) for name in PROFILE_FIELDS if name in sent
        }
        if "email" in sent:
            # It counts once it is proven. Whether somebody has it already shows at the proof alone.
            wanted = None if profile.email == user.email else profile.email
            changes["pending_email"] = (user.pending_email, wanted)
            if wanted is not None:
                await publish(self._db, EmailChangeRequested(user.id, wanted))
        changes = {name: pair for name, pair in changes.items() if pair[0] != pair[1]}
        if PROVEN_FIELDS & changes.keys():
            caller.require_fresh()
        for name, (_, new) in changes.items():
            setattr(user, name, new)
        if Notifications.SMS in user.notifications and user.phone is None:
            raise PhoneNeeded("Notifications by SMS need a phone number; send both or choose another way.")
        if changes:
            await self._accounts.flush()
            if "newsletter" in changes:
                await publish(self._db, NewsletterChosen(user.id))
            record_audit(self._db, "user.profile_changed", ("user", user.id), changes)
            invalidate(self._db, account_group(user.id))
