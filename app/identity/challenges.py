"""Signed challenges: what the server asks is carried by the client, and only what is spent is stored.

A login that waits for its second factor and a passkey ceremony both begin with a challenge.
It is signed and says what it is for, for whom and until when, so that issuing one writes
nothing: a flood of public requests fills no table. Spending one is a guarded row in
PostgreSQL (`AttemptCount`), which decides whether Redis is there or not.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import jwt

from app.core.clock import utc_now
from app.core.settings.groups import JwtSettings
from app.identity.derived_keys import derived_key

CHALLENGE_LIFETIME = 300
"""Seconds in which a challenge must be answered."""

_ALGORITHM = "HS256"
_HEADER_TYPE = "challenge+jwt"
_ISSUER = "bookstore"


class ChallengePurpose(StrEnum):
    """What a challenge is good for: one thing alone."""

    LOGIN = "mfa-login"
    PASSKEY_LOGIN = "passkey-login"
    PASSKEY_REGISTRATION = "passkey-registration"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a valid challenge says. `stamp` ties it to a state of the account, such as its password."""

    key: bytes
    expires_at: datetime
    user_id: int = 0
    stamp: str = ""
    scopes: tuple[str, ...] = ()


class ChallengeSigner:
    """Signs and reads challenges under a key of their own: none is ever an access token, nor the reverse."""

    def __init__(self, settings: JwtSettings) -> None:
        self._key = derived_key(settings, "challenges")

    def issue(
        self, purpose: ChallengePurpose, user_id: int = 0, *, stamp: str = "", scopes: tuple[str, ...] = ()
    ) -> str:
        """A new challenge that lasts `CHALLENGE_LIFETIME` seconds."""
        claims = {
            "iss": _ISSUER,
            "aud": purpose.value,
            "jti": uuid.uuid4().hex,
            "exp": utc_now() + timedelta(seconds=CHALLENGE_LIFETIME),
            "sub": str(user_id),
            "stamp": stamp,
            "scopes": scopes,
        }
        return jwt.encode(claims, self._key, _ALGORITHM, headers={"typ": _HEADER_TYPE})

    def read(self, purpose: ChallengePurpose, token: str) -> Challenge | None:
        """What it says, or None when it is forged, expired or meant for something else."""
        try:
            decoded = jwt.decode_complete(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=purpose.value,
                issuer=_ISSUER,
                options={"require": ["iss", "aud", "jti", "exp", "sub"]},
            )
        except jwt.InvalidTokenError:
            return None
        if decoded["header"].get("typ") != _HEADER_TYPE:
            return None
        claims = decoded["payload"]
        return Challenge(
            key=f"challenge:{claims['jti']}".encode(),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            user_id=int(claims["sub"]),
            stamp=claims["stamp"],
            scopes=tuple(claims["scopes"]),
        )
