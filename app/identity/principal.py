"""Who is calling, as services see it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import utc_now
from app.identity.errors import StepUpRequired
from app.identity.permissions import Permission, Role

FRESH_FOR = timedelta(minutes=5)
"""How long a proof of who somebody is counts for what outlives their session (ASVS 5, 7.5.1)."""

SECOND_FACTORS = frozenset({"totp", "recovery_code", "passkey"})
"""A session that was opened with one of these has two factors; a passkey verifies its user itself."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated account, what these very credentials let it do, and how it logged in.

    `session_id` is set for tokens and cookies, `api_key_id` for API keys. `factors` are those
    of the login, such as `password` and `totp`; `auth_time` is when they were last shown in full.
    """

    user_id: int
    username: str
    role: Role
    permissions: frozenset[Permission]
    is_verified: bool = False
    session_id: str | None = None
    api_key_id: int | None = None
    factors: tuple[str, ...] = ()
    auth_time: datetime | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the caller has the permission."""
        return permission in self.permissions

    @property
    def is_staff(self) -> bool:
        """Whether the account has any role above `user`."""
        return self.role is not Role.USER

    @property
    def has_second_factor(self) -> bool:
        """Whether the session was opened, or has since been backed, by a second factor."""
        return not SECOND_FACTORS.isdisjoint(self.factors)

    @property
    def is_staff_by_one_factor(self) -> bool:
        """Whether this is staff in a session without a second factor.

        API keys are no logins: whoever made one had the permissions that it carries.
        """
        return self.is_staff and self.api_key_id is None and not self.has_second_factor

    @property
    def is_fresh(self) -> bool:
        """Whether the caller has proven who they are within `FRESH_FOR`; an API key never has."""
        return self.auth_time is not None and utc_now() - self.auth_time <= FRESH_FOR

    def require_fresh(self) -> None:
        """Refuse a session whose last full proof is too old. Raises StepUpRequired (RFC 9470)."""
        if not self.is_fresh:
            seconds = int(FRESH_FOR.total_seconds())
            challenge = f'Bearer error="insufficient_user_authentication", max_age={seconds}'
            raise StepUpRequired(
                f"This needs a proof of who you are that is at most {seconds // 60} minutes old: send your"
                " password, and a code where the account has a second factor, to POST /api/v1/auth/step-up.",
                headers={"WWW-Authenticate": challenge},
                max_age=seconds,
            )


def profile_group(user_id: int) -> str:
    """The cache group of what everybody may see of one account."""
    return f"profile:{user_id}"


def account_group(user_id: int) -> str:
    """The cache group of one account and of every session of it."""
    return f"user:{user_id}"
