"""Browsers: tokens in cookies, and what a write by cookie must show (OWASP: signed double submit).

The cookies are HttpOnly but for the CSRF token, which is no secret to scripts of our own site
and is worth nothing without the session it was made for. In production their names begin with
`__Host-`: no browser lets another host of the domain, or a page without TLS, set such a one
(RFC 6265bis §4.1.3.2). That prefix asks for `Path=/`, so that the refresh token is sent to every
path of this host, and read below `/api/v1/auth` alone.
"""

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from starlette.datastructures import Headers
from starlette.responses import Response

from app.core.settings.settings import Settings
from app.identity.errors import CsrfRefused, DoubledCookie

ACCESS_COOKIE = "access_token"
REFRESH_COOKIE = "refresh_token"
CSRF_COOKIE = "csrf_token"
CSRF_HEADER = "x-csrf-token"
HOST_PREFIX = "__Host-"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PLAIN_PATHS = {ACCESS_COOKIE: "/api/v1", REFRESH_COOKIE: "/api/v1/auth", CSRF_COOKIE: "/"}
"""Where cookies without the prefix are sent: each no further than it is read."""


class BrowserGuard:
    """Sets and clears the cookies and checks writes by cookie."""

    def __init__(self, settings: Settings) -> None:
        self._is_secure = settings.in_production
        self._prefix = HOST_PREFIX if settings.in_production else ""
        self._paths = {
            self._prefix + name: "/" if self._prefix else path for name, path in _PLAIN_PATHS.items()
        }
        self._schemes = ("https",) if settings.in_production else ("https", "http")
        self._origins = frozenset({_origin(settings.public_url), *map(_origin, settings.cors.origins)})
        secret = settings.jwt.secret.get_secret_value().encode()
        self._key = hashlib.sha256(b"csrf\0" + secret).digest()
        self._refresh_ttl = settings.jwt.refresh_ttl

    def csrf_token(self, session_id: UUID | str) -> str:
        """The token of the session: its id and a keyed hash of it."""
        mac = hmac.new(self._key, str(session_id).encode(), hashlib.sha256).hexdigest()
        return f"{session_id}.{mac}"

    def set_cookies(self, response: Response, access: tuple[str, int], refresh: str, csrf: str) -> None:
        """Set the cookies; `access` with its seconds."""
        self._set(response, ACCESS_COOKIE, access[0], access[1])
        self._set(response, REFRESH_COOKIE, refresh, self._refresh_ttl)
        self._set(response, CSRF_COOKIE, csrf, self._refresh_ttl)

    def read_cookie(self, headers: Headers, name: str) -> str | None:
        """The value of our cookie of this name. Raises DoubledCookie when any of ours comes twice.

        Starlette would take the last one, which may be one that another host of the domain has set.
        """
        found: dict[str, str] = {}
        for pair in ";".join(headers.getlist("cookie")).split(";"):
            sent, _, value = pair.strip(" \t").partition("=")
            if sent in self._paths:
                if sent in found:
                    raise DoubledCookie(f"The cookie {sent} came twice; delete the cookies of this site.")
                found[sent] = value
        return found.get(self._prefix + name) or None

    def clear_cookies(self, response: Response) -> None:
        """Delete the cookies."""
        for name in _PLAIN_PATHS:
            self._set(response, name, "", 0)

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Check where a page comes from. Raises CsrfRefused for one whose origin is neither our own nor in CORS_ORIGINS; programs send none."""
        origin = headers.get("origin", "").lower()
        # `Host` is what the browser has resolved, and whose cookies it sends: no page can choose it.
        own = {f"{scheme}://{headers.get('host', '')}" for scheme in self._schemes}
        if origin and origin not in self._origins | own:
            raise CsrfRefused("Pages of this origin may not log in here; see CORS_ORIGINS.")

    def check_write(self, headers: Mapping[str, str]) -> str:
        """The id of the session that the CSRF token was made for. Raises CsrfRefused without token or `Origin`."""
        if not headers.get("origin"):
            raise CsrfRefused("A write by cookie needs the Origin header that browsers send.")
        self.check_origin(headers)
        token = headers.get(CSRF_HEADER, "")
        session_id = token.partition(".")[0]
        if not hmac.compare_digest(token.encode(), self.csrf_token(session_id).encode()):
            raise CsrfRefused(f"Send the value of the cookie {self._prefix}{CSRF_COOKIE} as X-CSRF-Token.")
        return session_id

    def _set(self, response: Response, name: str, value: str, max_age: int) -> None:
        response.set_cookie(
            self._prefix + name,
            value,
            max_age=max_age,
            path=self._paths[self._prefix + name],
            secure=self._is_secure,
            httponly=name != CSRF_COOKIE,
            samesite="strict",
        )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
