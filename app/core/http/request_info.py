"""What the request under way says about its origin, for audit entries and sessions."""

from contextvars import ContextVar
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import Scope

LONGEST_AGENT = 300

UNMATCHED = "none"
"""The route of paths that nobody serves, as prometheus-fastapi-instrumentator calls it."""

scope_var: ContextVar[Scope | None] = ContextVar("scope", default=None)


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Who asked from where; empty outside a request."""

    request_id: str = ""
    ip: str = ""
    user_agent: str = ""
    user_id: int | None = None
    session_id: str | None = None
    api_key_id: int | None = None


def route_template(scope: Scope) -> str:
    """The template of the route that answered, be it the router's or, before routing, the cache's."""
    template: str = scope.get("state", {}).get("route_template") or getattr(
        scope.get("route"), "path", UNMATCHED
    )
    return template


def current_request_id() -> str:
    """The id of the request that this code runs in; empty outside one."""
    scope = scope_var.get()
    request_id: str = scope["state"].get("request_id", "") if scope else ""
    return request_id


def current_request() -> RequestInfo:
    """The request that this code runs in, as far as its caller is known by now."""
    scope = scope_var.get()
    if scope is None:
        return RequestInfo()
    request, state = HTTPConnection(scope), scope["state"]
    agent = request.headers.get("user-agent", "")
    printable = "".join(character for character in agent if character.isprintable())
    return RequestInfo(
        request_id=current_request_id(),
        ip=request.client.host if request.client else "",
        user_agent=printable[:LONGEST_AGENT],
        user_id=state.get("user_id"),
        session_id=state.get("session_id"),
        api_key_id=state.get("api_key_id"),
    )
