"""Who calls, found out once and before routing, and the general limit against them."""

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.client_addresses import normal_address
from app.core.db.faults import Fault
from app.core.errors import AppError, RateLimited
from app.core.http.handshakes import as_request, refuse_handshake
from app.core.http.middleware import INTERNAL_PATHS
from app.core.http.problems import answer_refusal
from app.core.http.responses import has_credentials
from app.core.rate_limit import RateLimiter, client_address, give_back_all, set_caller
from app.identity.authentication.credentials import identify, remember_outcome
from app.identity.authentication.csrf import SAFE_METHODS
from app.identity.errors import CsrfRefused

_BODY_REFUSED = frozenset(
    {"validation", "unsupported-media-type", "bad-request", "body-too-large", CsrfRefused.code}
)
"""Problems of requests that were never tried: they use up the general limit, and nothing that is scarce."""


class Admission:
    """Counts each request as a read or a write of its API key, its account, or, where it shows nothing that
    is worth anything, of its client's address. What the worker's cache answers does not come here.
    """

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 429, or pass on."""
        if scope["type"] == "websocket":
            await self._admit_socket(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] == "OPTIONS" or scope["path"] in INTERNAL_PATHS:
            await self._app(scope, receive, send)
            return
        client = scope.get("client")
        if client:
            # Whoever looks at it from here on sees one spelling.
            scope["client"] = (normal_address(client[0]), client[1])
        request = Request(scope, receive)
        caller = await _name_caller(request)
        set_caller(request, caller)
        is_read = scope["method"] in SAFE_METHODS
        try:
            general = await self._limiter.take("read" if is_read else "write", caller)
        except RateLimited as refusal:
            response = await answer_refusal(request, refusal)
            await response(scope, receive, send)
            return
        state = scope["state"]
        state["answer_headers"] = general

        async def send_giving_back(message: Message) -> None:
            if message["type"] == "http.response.start" and state.get("problem_code") in _BODY_REFUSED:
                await give_back_all(request)
                state["answer_headers"] = general
            await send(message)

        await self._app(scope, receive, send if is_read else send_giving_back)

    async def _admit_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A handshake counts as a read; what is said afterwards has limits of its own."""
        if scope.get("client"):
            scope["client"] = (normal_address(scope["client"][0]), scope["client"][1])
        request = as_request(scope)
        caller = await _name_caller(request)
        set_caller(request, caller)
        try:
            await self._limiter.take("read", caller)
        except RateLimited as refusal:
            await refuse_handshake(scope, receive, send, await answer_refusal(request, refusal))
            return
        # Thousands may be open for long: nothing is kept of each that it does not need.
        del request
        await self._app(scope, receive, send)


async def _name_caller(request: Request) -> str:
    if not has_credentials(request.scope):
        return client_address(request)
    try:
        principal = await identify(request)
    except AppError as refusal:
        remember_outcome(request, refusal)
        return client_address(request)
    except Exception as fault:
        if not Fault.of(fault).is_passing:
            raise
        # Whoever needs to know asks again, and is told.
        return client_address(request)
    if principal is None:
        return client_address(request)
    remember_outcome(request, principal)
    return f"user {principal.user_id}" if principal.api_key_id is None else f"key {principal.api_key_id}"
