"""Pure ASGI middleware: request id, security headers, log line, metrics, hosts, faults, the hot path."""

import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.cache.hot import HotCache
from app.core.clock import utc_now
from app.core.http.handshakes import as_request, refuse_handshake
from app.core.http.problems import GENERIC, fault_response, problem_response
from app.core.http.request_info import route_template, scope_var
from app.core.http.responses import PUBLIC_ANSWERS, has_credentials, hot_key, send_representation
from app.core.logging import request_id_var, write_json_line
from app.core.metrics import IN_PROGRESS, REFUSALS, RequestMeters
from app.core.settings.groups import LogSettings

INTERNAL_PATHS = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})
"""Probes and scrapers call a process by its address, in plain HTTP, and get nothing that depends on either."""

_PORT = re.compile(r":\d*$")
_MOVED = 308
_VALID_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{8,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SERVER_ERROR = 500
_FORBIDDEN = 403
_SWITCHING_PROTOCOLS = 101
_SEEN = frozenset({200, 304})
_TOO_LARGE = 413
# Digits that a length may have; the servers refuse longer ones anyway.
_LONGEST_LENGTH = 19

SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-site",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
HSTS = "max-age=63072000; includeSubDomains"

_log = structlog.get_logger("request")


class RequestContext:
    """Gives each request its id, times it, and adds the headers of every answer.

    `X-Process-Time` says the seconds from the request's arrival to the beginning of its answer. Good answers to
    GET are counted by path in the mapping that `counted` has for their route's template, if any. With `meters` it
    counts all but those of probes and scrapers. Slow ones have a line of their own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        log: LogSettings,
        in_production: bool,
        counted: Mapping[str, dict[str, int]],
        meters: RequestMeters | None,
    ) -> None:
        headers = {**SECURITY_HEADERS, **({"Strict-Transport-Security": HSTS} if in_production else {})}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._app = app
        self._uses_json = log.format == "json"
        self._is_logging = log.level in {"DEBUG", "INFO"}
        self._meters = meters
        self._slow_after = log.slow_request
        self._counted = counted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the id, the headers and the measures."""
        if scope["type"] == "websocket":
            await self._converse(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        request_id, received = _read_head(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        token = request_id_var.set(state["request_id"])
        scope_token = scope_var.set(scope)
        status, sent = _SERVER_ERROR, 0
        began = 0.0

        async def send_with_headers(message: Message) -> None:
            nonlocal status, sent, began
            if message["type"] == "http.response.start":
                status, began = message["status"], time.perf_counter() - started
                present = dict(message["headers"])
                sent = int(present.get(b"content-length", 0))
                ours = (*self._headers, *state.get("answer_headers", ()))
                message["headers"] = [
                    *message["headers"],
                    *(header for header in ours if header[0] not in present),
                    (b"x-request-id", request_id),
                    (b"x-process-time", b"%.6f" % began),
                ]
            await send(message)

        meters = None if scope["path"] in INTERNAL_PATHS else self._meters
        if meters is not None:
            IN_PROGRESS.inc()
        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            # Of one that ends when its client goes, what counts is how soon it began.
            seconds = began if "is_stream" in state else time.perf_counter() - started
            template = route_template(scope)
            if meters is not None:
                IN_PROGRESS.dec()
                meters.of(method, template, status).observe(seconds, received, sent)
                if "problem_code" in state:
                    REFUSALS.labels(template, state["problem_code"]).inc()
            self._record(scope, method, template, status, seconds)
            request_id_var.reset(token)
            scope_var.reset(scope_token)

    async def _converse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a WebSocket on, with its id in the answer to the handshake; one line tells of it when it has ended."""
        started = time.perf_counter()
        request_id, _ = _read_head(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        request_id_var.set(state["request_id"])
        scope_var.set(scope)
        status = _SERVER_ERROR

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] in {"websocket.accept", "websocket.http.response.start"}:
                status = message.get("status", _SWITCHING_PROTOCOLS)
                ours = [] if status == _SWITCHING_PROTOCOLS else self._headers
                present = message.get("headers", ())
                message["headers"] = [*present, *ours, (b"x-request-id", request_id)]
            elif message["type"] == "websocket.close" and status == _SERVER_ERROR:
                status = _FORBIDDEN
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        finally:
            self._record(scope, "WS", route_template(scope), status, time.perf_counter() - started)

    def _record(self, scope: Scope, method: str, template: str, status: int, seconds: float) -> None:
        state = scope["state"]
        if template in self._counted and method == "GET" and status in _SEEN:
            counts, path = self._counted[template], scope["path"]
            counts[path] = counts.get(path, 0) + 1
        if seconds > self._slow_after and status != _SWITCHING_PROTOCOLS:
            _log.warning(
                "slow_request",
                method=method,
                route=template,
                status=status,
                duration_ms=round(seconds * 1000, 2),
            )
        if not self._is_logging:
            return
        event = {
            "event": "request",
            "request_id": state["request_id"],
            "method": method,
            "route": template,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "user_id": state.get("user_id"),
        }
        if "problem_code" in state:
            event["problem"] = state["problem_code"]
        if self._uses_json:
            write_json_line(
                {"level": "info", "logger": "request", "timestamp": utc_now().isoformat(), **event}
            )
        else:
            _log.info(**event)


def _read_head(scope: Scope) -> tuple[bytes, int]:
    """The request's id, ours unless it brings a valid one, and the bytes that it announces."""
    request_id, received = b"", 0
    for name, value in scope["headers"]:
        if name == b"x-request-id" and not request_id and _VALID_REQUEST_ID.fullmatch(value):
            request_id = bytes(value)
        elif name == b"content-length" and len(value) < _LONGEST_LENGTH and value.isdigit():
            received = int(value)
    return request_id or secrets.token_hex(16).encode(), received


class Cors(CORSMiddleware):
    """Starlette's, but for `Vary`, which names `Origin` once, and for strangers, who learn nothing of the rest."""

    async def send(self, message: Message, send: Send, request_headers: Headers) -> None:
        """Add what an allowed origin may see; every answer says that it depends on the origin."""
        if message["type"] == "http.response.start":
            headers = [*message["headers"]]
            origin = request_headers.get("origin")
            if origin is not None and self.is_allowed_origin(origin):
                shown = {**self.simple_headers, "Access-Control-Allow-Origin": origin}
                headers += [(name.lower().encode(), value.encode()) for name, value in shown.items()]
            if not any(name == b"vary" and b"Origin" in value for name, value in headers):
                headers.append((b"vary", b"Origin"))
            message["headers"] = headers
        await send(message)


class TrustedHosts:
    """Refuses a request for a host that is none of ours, so that no answer and no cache is made for it."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(host for host in hosts if not host.startswith("*."))
        self._endings = tuple(host.removeprefix("*") for host in hosts if host.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400, or pass on."""
        if scope["type"] in {"http", "websocket"} and scope["path"] not in INTERNAL_PATHS:
            host = _host(scope)
            if host not in self._names and not host.endswith(self._endings):
                await _answer(scope, receive, send, _wrong_host(as_request(scope)))
                return
        await self._app(scope, receive, send)


class HttpsOnly:
    """Sends whoever calls by plain HTTP to HTTPS; the server has believed its proxies' X-Forwarded-Proto by now."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        parts = urlsplit(public_url)
        self._own_host, self._own_address = str(parts.hostname), parts.netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 308, which keeps method and body, or pass on."""
        is_asked = scope["type"] in {"http", "websocket"} and scope["path"] not in INTERNAL_PATHS
        if not is_asked or scope["scheme"] in {"https", "wss"}:
            await self._app(scope, receive, send)
            return
        host = _host(scope)
        address = self._own_address if host in {"", self._own_host} else host
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        location = f"https://{address}{path}" + (f"?{query}" if query else "")
        response = Response(status_code=_MOVED, headers={"Location": location})
        await _answer(scope, receive, send, response)


def _wrong_host(request: Request) -> Response:
    return problem_response(request, "host-not-allowed", GENERIC["host-not-allowed"][2])


async def _answer(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """Answer a request or a handshake."""
    if scope["type"] == "websocket":
        await refuse_handshake(scope, receive, send, response)
    else:
        await response(scope, receive, send)


def _host(scope: Scope) -> str:
    """The host that is asked for, without its port; none when it is not said, or said twice."""
    named = [value for name, value in scope["headers"] if name == b"host"]
    if len(named) != 1:
        return ""
    return _PORT.sub("", named[0].decode("latin-1").lower()).removesuffix(".")


class HeadAsGet:
    """Answers HEAD as GET without the body (RFC 9110 §9.3.2); a stream ends with its first piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers alone."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        has_ended = False

        async def send_without_body(message: Message) -> None:
            nonlocal has_ended
            if message["type"] == "http.response.start":
                await send(message)
            elif not has_ended:
                has_ended = True
                await send({"type": "http.response.body", "body": b""})
            else:
                # What a server raises when the client has left: whoever streams stops.
                raise OSError

        # A copy: the server counts the bytes of the body by the method in its own.
        inner = {**scope, "method": "GET"}
        try:
            with suppress(ClientDisconnect):
                await self._app(inner, receive, send_without_body)
        finally:
            scope["route"] = inner.get("route")


class FaultBoundary:
    """Turns an exception nobody expected into a problem, inside CORS and the request's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_started = is_too_large = False

        async def send_noting_start(message: Message) -> None:
            nonlocal has_started, is_too_large
            if message["type"] == "http.response.start" and _is_plain_413(message):
                is_too_large = True
            if is_too_large:
                return
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting_start)
        except Exception as error:
            if has_started:
                raise
            response = fault_response(Request(scope), error)
            await response(scope, receive, send)
        if is_too_large:
            response = problem_response(Request(scope), "body-too-large", GENERIC["body-too-large"][2])
            await response(scope, receive, send)


def _is_plain_413(message: Message) -> bool:
    # Starlette's body limit answers in plain text whatever the handlers say, when the length was announced.
    return message["status"] == _TOO_LARGE and any(
        name == b"content-type" and value.startswith(b"text/plain") for name, value in message["headers"]
    )


class HotPath:
    """Answers a GET whose bytes this worker has in its cache, before any routing.

    Not so where `sees_more` says of the caller that they may see more of what this account owns.
    """

    def __init__(self, app: ASGIApp, cache: HotCache, sees_more: Callable[[Scope, int], bool]) -> None:
        self._app = app
        self._cache = cache
        self._sees_more = sees_more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from the cache or pass on."""
        if scope["type"] == "http" and scope["method"] == "GET":
            answer = self._cache.peek(PUBLIC_ANSWERS, hot_key(scope))
            if answer is not None and (
                answer.owner_id is None
                or not has_credentials(scope)
                or not self._sees_more(scope, answer.owner_id)
            ):
                scope["state"]["route_template"] = answer.template
                await send_representation(scope, send, answer)
                return
        await self._app(scope, receive, send)
