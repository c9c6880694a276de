"""Who is calling, as services see it."""

from dataclasses import dataclass
from datetime import datetime

from app.identity.permissions import Permission, Role

SECOND_FACTORS = frozenset({"totp", "recovery_code", "passkey"})
"""A session that was opened with one of these has two factors; a passkey verifies its user itself."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated account, what these very credentials let it do, and how it logged in.

    `session_id` is set for tokens and cookies, `api_key_id` for API keys. `factors` are those
    of the login, such as `password` and `totp`; `auth_time` is when it was.
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
    def has_second_factor(self) -> bool:
        """Whether the session was opened, or has since been backed, by a second factor."""
        return not SECOND_FACTORS.isdisjoint(self.factors)

    @property
    def is_staff_by_one_factor(self) -> bool:
        """Whether this is staff in a session without a second factor.

        API keys are no logins: whoever made one had the permissions that it carries.
        """
        return self.role is not Role.USER and self.api_key_id is None and not self.has_second_factor


def account_group(user_id: int) -> str:
    """The cache group of one account and of every session of it."""
    return f"user:{user_id}"
