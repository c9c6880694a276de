"""After the right password: does this account have a second factor?"""

from collections.abc import Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.groups import JwtSettings
from app.identity.challenges import CHALLENGE_LIFETIME, ChallengePurpose, ChallengeSigner
from app.identity.errors import CHALLENGE, MfaRequired
from app.identity.models import User
from app.identity.permissions import Permission
from app.identity.sessions.queries import has_totp


class SecondFactorCheck:
    """Stops a login by password where a code is to follow."""

    def __init__(self, db: AsyncSession, signer: ChallengeSigner) -> None:
        self._db = db
        self._signer = signer

    @classmethod
    def build(cls, db: AsyncSession, settings: JwtSettings) -> Self:
        """Compose it on one session."""
        return cls(db, ChallengeSigner(settings))

    async def check(self, user: User, requested_scopes: Sequence[str]) -> None:
        """Let an account pass that has no authenticator app. Raises MfaRequired, with the `mfa_token`, for any other.

        Passkeys alone do not make the password insufficient: they are a way in of their own.
        """
        if not await has_totp(self._db, user.id):
            return
        known = tuple(permission.value for permission in Permission if permission in requested_scopes)
        # Whoever asks for unknown scopes alone gets none: an empty list would ask for all.
        scopes = known or (("none",) if requested_scopes else ())
        token = self._signer.issue(ChallengePurpose.LOGIN, user.id, stamp=password_stamp(user), scopes=scopes)
        raise MfaRequired(
            "Send `mfa_token` with a code of your authenticator app, or a recovery code, to /api/v1/auth/mfa.",
            headers=CHALLENGE,
            mfa_token=token,
            expires_in=CHALLENGE_LIFETIME,
            methods=["totp", "recovery_code"],
        )


def password_stamp(user: User) -> str:
    """Changes with the password, so that a challenge of before is dead after."""
    return user.password_changed_at.isoformat()
