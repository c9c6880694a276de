"""Access tokens: signed JWTs, one algorithm per key (RFC 7519, RFC 8725, RFC 9068)."""

import uuid
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt

from app.core.clock import utc_now
from app.core.http.schemas import LARGEST_ID
from app.core.settings.groups import JwtSettings
from app.identity.errors import InvalidToken
from app.identity.permissions import Role
from app.identity.signing_keys import KeyRing

_TYPE = "access"
_HEADER_TYPE = "at+jwt"
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "sid", "jti", "type"]
_LONGEST_TOKEN = 4096
_MOST_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is to say: whose session, which may do what, until when at most."""

    user_id: int
    session_id: str
    role: Role
    scopes: frozenset[str]
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a valid token says. Times in seconds since 1970."""

    user_id: int
    session_id: uuid.UUID
    scopes: frozenset[str]
    issued_at: int
    expires_at: int
    token_id: str


class TokenIssuer:
    """Signs and checks access tokens, and says how long sessions last and how many an account has. Seconds."""

    def __init__(self, settings: JwtSettings, public_url: str) -> None:
        self._settings = settings
        self._checked: OrderedDict[str, AccessClaims] = OrderedDict()
        self.issuer = settings.issuer or public_url
        self.audience = settings.audience
        self.keys = KeyRing(settings)
        self._keys_version = self.keys.version
        self.access_ttl = settings.access_ttl
        self.refresh_ttl = settings.refresh_ttl
        self.idle_ttl = settings.idle_ttl
        self.max_sessions = settings.max_sessions

    def issue(self, grant: Grant) -> tuple[str, int]:
        """A token that lasts `access_ttl` seconds, and never longer than its session; with its seconds."""
        now = utc_now()
        seconds = min(self.access_ttl, int((grant.ends_at - now).total_seconds()))
        claims = {
            "iss": self.issuer,
            "aud": self.audience,
            "sub": str(grant.user_id),
            "sid": grant.session_id,
            "iat": now,
            "exp": now + timedelta(seconds=seconds),
            "jti": uuid.uuid4().hex,
            "type": _TYPE,
            "role": grant.role.value,
            "scopes": sorted(grant.scopes),
        }
        key = self.keys.signing_key()
        headers = {"typ": _HEADER_TYPE, **({"kid": key.kid} if key.kid else {})}
        return jwt.encode(claims, key.signing, key.algorithm, headers=headers), seconds

    def read(self, token: str) -> AccessClaims:
        """Read the claims of a valid access token. Raises InvalidToken for anything else.

        A token that was checked is remembered until it expires: a signature does not change.
        """
        if self._keys_version != self.keys.version:
            # What a withdrawn key had signed counts no longer.
            self._checked.clear()
            self._keys_version = self.keys.version
        claims = self._checked.get(token)
        if claims is None:
            claims = self._check(token)
            self._checked[token] = claims
            if len(self._checked) > _MOST_REMEMBERED:
                self._checked.popitem(last=False)
        if claims.expires_at + self._settings.leeway <= utc_now().timestamp():
            self._checked.pop(token, None)
            raise invalid_token("The access token has expired; log in again.")
        return claims

    def _check(self, token: str) -> AccessClaims:
        try:
            return _claims(self._decode(token))
        except jwt.ExpiredSignatureError:
            raise invalid_token("The access token has expired; log in again.") from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError):
            raise invalid_token("The access token is not one of ours; log in again.") from None

    def _decode(self, token: str) -> dict[str, Any]:
        if len(token) > _LONGEST_TOKEN:
            raise jwt.InvalidTokenError("too long for one of ours")
        header = jwt.get_unverified_header(token)
        key = self.keys.find(header.get("kid"))
        if key is None or header.get("typ") != _HEADER_TYPE:
            raise jwt.InvalidTokenError("not an access token of ours")
        return jwt.decode(
            token,
            key.verifying,
            algorithms=[key.algorithm],
            audience=self.audience,
            issuer=self.issuer,
            leeway=self._settings.leeway,
            options={"require": _REQUIRED},
        )


def _claims(payload: dict[str, Any]) -> AccessClaims:
    user_id = int(payload["sub"])
    if payload["type"] != _TYPE or not 0 < user_id <= LARGEST_ID:
        raise jwt.InvalidTokenError("not an access token")
    return AccessClaims(
        user_id=user_id,
        session_id=uuid.UUID(payload["sid"]),
        scopes=frozenset(payload.get("scopes", ())),
        issued_at=int(payload["iat"]),
        expires_at=int(payload["exp"]),
        token_id=str(payload["jti"]),
    )


def invalid_token(detail: str) -> InvalidToken:
    """The error with its RFC 6750 challenge."""
    challenge = f'Bearer error="invalid_token", error_description="{detail}"'
    return InvalidToken(detail, headers={"WWW-Authenticate": challenge})
