"""Access tokens: signed JWTs with one fixed algorithm (RFC 7519, RFC 8725, RFC 9068)."""

import uuid
from dataclasses import dataclass
from datetime import timedelta

import jwt

from app.core.clock import utc_now
from app.core.schemas import LARGEST_ID
from app.core.settings import JwtSettings
from app.identity.errors import InvalidToken
from app.identity.permissions import Permission, Role

ALGORITHM = "HS256"
_TYPE = "access"
_HEADER_TYPE = "at+jwt"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "jti", "type"]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid token says."""

    user_id: int
    scopes: frozenset[str]


class TokenIssuer:
    """Signs and checks access tokens. Lifetimes in seconds."""

    def __init__(self, settings: JwtSettings) -> None:
        self._settings = settings
        self._secret = settings.secret.get_secret_value()
        self.access_ttl = settings.access_ttl

    def issue(self, user_id: int, role: Role, permissions: frozenset[Permission]) -> str:
        """A token for the account that lasts `access_ttl` seconds."""
        now = utc_now()
        claims = {
            "iss": self._settings.issuer,
            "aud": self._settings.audience,
            "sub": str(user_id),
            "iat": now,
            "exp": now + timedelta(seconds=self.access_ttl),
            "jti": uuid.uuid4().hex,
            "type": _TYPE,
            "role": role.value,
            "scopes": sorted(permissions),
        }
        return jwt.encode(claims, self._secret, ALGORITHM, headers={"typ": _HEADER_TYPE})

    def read(self, token: str) -> AccessClaims:
        """The claims of a valid access token; InvalidToken for anything else."""
        try:
            decoded = jwt.decode_complete(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway,
                options={"require": _REQUIRED},
            )
            claims = decoded["payload"]
            if claims["type"] != _TYPE or decoded["header"].get("typ") != _HEADER_TYPE:
                raise jwt.InvalidTokenError("not an access token")
            user_id = int(claims["sub"])
            if not 0 < user_id <= LARGEST_ID:
                raise jwt.InvalidTokenError("not an account's id")
            return AccessClaims(user_id=user_id, scopes=frozenset(claims.get("scopes", ())))
        except jwt.ExpiredSignatureError:
            raise invalid_token("The access token has expired; log in again.") from None
        except (jwt.InvalidTokenError, ValueError, TypeError):
            raise invalid_token("The access token is not one of ours; log in again.") from None


def invalid_token(detail: str) -> InvalidToken:
    """The error with its RFC 6750 challenge."""
    challenge = f'Bearer error="invalid_token", error_description="{detail}"'
    return InvalidToken(detail, headers={"WWW-Authenticate": challenge})
