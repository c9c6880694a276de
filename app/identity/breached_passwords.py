"""Whether a password leaked somewhere: asked by the first five digits of its SHA-1 (k-anonymity).

The service answers every leaked hash that begins so, padded to a length that tells nothing; which one was
meant is found here. Nobody is kept from an account because the service is away: it fails open, counted.
"""

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import structlog

from app import __version__
from app.core.metrics import BREACH_LOOKUPS
from app.core.settings.groups import PasswordSettings
from app.identity.errors import NewPasswordRefused

_PREFIX = 5
_LARGEST_ANSWER = 1024 * 1024
_THREADS = 4
_HEADERS = {"Add-Padding": "true", "User-Agent": f"bookstore/{__version__}"}
_log = structlog.get_logger(__name__)


class BreachedPasswords:
    """Asks where the setting says so, `PASSWORD_BREACH_CHECK`; never inside a transaction."""

    def __init__(self, settings: PasswordSettings) -> None:
        self._settings = settings
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="breaches")

    async def refuse(self, password: str, field: str) -> None:
        """Let the password pass unless it is known to have leaked. Raises NewPasswordRefused about the field."""
        if not self._settings.breach_check:
            return
        # SHA-1 is what the service speaks, and hides nothing: its answer holds the whole hash.
        digest = hashlib.sha1(password.encode(errors="replace"), usedforsecurity=False).hexdigest().upper()
        asked = asyncio.get_running_loop().run_in_executor(self._pool, self._fetch, digest[:_PREFIX])
        try:
            # Over all: a service that sends a byte now and then must not keep anybody waiting.
            answer = await asyncio.wait_for(asked, self._settings.breach_timeout)
        except (OSError, HTTPException, TimeoutError) as fault:
            BREACH_LOOKUPS.labels("failed").inc()
            _log.warning("breach_lookup_failed", error=fault)
            return
        is_breached = _lists(answer, digest[_PREFIX:])
        BREACH_LOOKUPS.labels("breached" if is_breached else "unknown").inc()
        if is_breached:
            reason = "is among passwords that leaked elsewhere; choose another one"
            raise NewPasswordRefused(
                f"The password {reason}.",
                errors=[{"field": field, "message": reason, "type": "breached_password"}],
            )

    def stop(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _fetch(self, prefix: str) -> str:
        url = urlsplit(self._settings.breach_url)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        connection = kind(str(url.hostname), url.port, timeout=self._settings.breach_timeout)
        try:
            connection.request("GET", f"{url.path.rstrip('/')}/{prefix}", headers=_HEADERS)
            with connection.getresponse() as answer:
                if answer.status != HTTPStatus.OK:
                    raise HTTPException(answer.status)
                return answer.read(_LARGEST_ANSWER).decode("ascii", "replace")
        finally:
            connection.close()


def _lists(answer: str, suffix: str) -> bool:
    """Whether a line `SUFFIX:COUNT` names it; what pads the answer has the count 0."""
    for line in answer.splitlines():
        found, _, count = line.strip().partition(":")
        if found.upper() == suffix:
            return count.strip("0") != ""
    return False
