"""After the right password: does this account have a second factor? And may staff do without?"""

from collections.abc import Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.groups import JwtSettings
from app.identity.errors import CHALLENGE
from app.identity.mfa.challenges import LIFETIME, ChallengeSigner, Purpose
from app.identity.mfa.errors import MfaRequired
from app.identity.mfa.repository import SecondFactorRepository
from app.identity.models import User
from app.identity.permissions import Permission, Role
from app.identity.principal import Principal

SECOND_FACTORS = frozenset({"totp", "recovery_code", "passkey"})
"""A session that was opened with one of these has two factors; a passkey verifies its user itself."""


class SecondFactor:
    """Stops a login by password where a code is to follow."""

    def __init__(self, factors: SecondFactorRepository, signer: ChallengeSigner) -> None:
        self._factors = factors
        self._signer = signer

    @classmethod
    def build(cls, session: AsyncSession, settings: JwtSettings) -> Self:
        """The check on one session."""
        return cls(SecondFactorRepository(session), ChallengeSigner(settings))

    async def check(self, user: User, requested_scopes: Sequence[str]) -> None:
        """Pass an account without an authenticator app; MfaRequired, with the `mfa_token`, for any other.

        Passkeys alone do not make the password insufficient: they are a way in of their own.
        """
        if not await self._factors.has_totp(user.id):
            return
        scopes = _known(requested_scopes)
        token = self._signer.issue(Purpose.LOGIN, user.id, stamp=password_stamp(user), scopes=scopes)
        raise MfaRequired(
            "Send `mfa_token` with a code of your authenticator app, or a recovery code, to /api/v1/auth/mfa.",
            headers=CHALLENGE,
            mfa_token=token,
            expires_in=LIFETIME,
            methods=["totp", "recovery_code"],
        )


def password_stamp(user: User) -> str:
    """Changes with the password, so that a challenge of before is dead after."""
    return user.password_changed_at.isoformat()


def _known(requested: Sequence[str]) -> tuple[str, ...]:
    # Whoever asks for unknown scopes alone gets none: an empty list would ask for all.
    known = tuple(permission.value for permission in Permission if permission in requested)
    return known or (("none",) if requested else ())


def has_second_factor(factors: Sequence[str]) -> bool:
    """Whether a session was opened, or has since been backed, by a second factor."""
    return not SECOND_FACTORS.isdisjoint(factors)


def needs_second_factor(caller: Principal) -> bool:
    """Whether this is staff in a session without a second factor.

    API keys are no logins: whoever made one had the permissions that it carries.
    """
    is_staff = caller.role is not Role.USER and caller.api_key_id is None
    return is_staff and not has_second_factor(caller.factors)
