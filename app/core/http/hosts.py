"""Under which names the API answers, and whether it answers plain HTTP."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.http.problems import GENERIC, problem_response

INTERNAL_PATHS = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
"""Probes and scrapers call a process by its address, in plain HTTP, and get nothing that depends on either."""

_PORT = re.compile(r":\d*$")
_MOVED = 308


class TrustedHosts:
    """Refuses a request for a host that is none of ours, so that no answer and no cache is made for it."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(host for host in hosts if not host.startswith("*."))
        self._endings = tuple(host.removeprefix("*") for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, or pass on."""
        if scope["type"] != "http" or scope["path"] in INTERNAL_PATHS or self._knows(_host(scope)):
            await self._app(scope, receive, send)
            return
        response = problem_response(Request(scope), "host-not-allowed", GENERIC["host-not-allowed"][2])
        await response(scope, receive, send)

    def _knows(self, host: str) -> bool:
        return host in self._names or host.endswith(self._endings)


class HttpsOnly:
    """Sends whoever calls by plain HTTP to HTTPS; the server has believed its proxies' X-Forwarded-Proto by now."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        parts = urlsplit(public_url)
        self._own_host, self._own_address = str(parts.hostname), parts.netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 308, which keeps method and body, or pass on."""
        if scope["type"] != "http" or scope["scheme"] == "https" or scope["path"] in INTERNAL_PATHS:
            await self._app(scope, receive, send)
            return
        host = _host(scope)
        address = self._own_address if host in {"", self._own_host} else host
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        location = f"https://{address}{path}" + (f"?{query}" if query else "")
        await Response(status_code=_MOVED, headers={"Location": location})(scope, receive, send)


def _host(scope: Scope) -> str:
    """The host that is asked for, without its port; none when it is not said, or said twice."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1:
        return ""
    return _PORT.sub("", named[0].decode("latin-1").lower()).removesuffix(".")
