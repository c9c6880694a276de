"""WebSocket handshakes, as the requests that they are until they are accepted."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_POLICY_VIOLATION = 1008


def as_request(scope: Scope) -> Request:
    """The handshake as the GET that it is; what is noted in its state stays with the socket."""
    return Request({**scope, "type": "http", "method": "GET"})


async def refuse_handshake(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    """Send the answer instead of accepting; a server that cannot answers 403."""
    if "websocket.http.response" in scope.get("extensions", {}):
        await response(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": ""})
