"""Compresses answers, for a server that no proxy stands before: Nginx does it better."""

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.http.negotiation import takes_gzip

SMALLEST = 1024
"""Bytes: below, the headers are most of an answer."""
LEVEL = 4
"""Of nine: more costs much time for little."""
SECRET = (b"cache-control", b"no-store")
"""What answers with tokens, keys and codes say: their length would tell of them (BREACH)."""


class Compression:
    """Gzip for whoever takes it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, compressed or not; `Vary` says that it may be either."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif takes_gzip(scope):
            await _Gzip(self._app, SMALLEST, LEVEL)(scope, receive, send)
        else:
            await IdentityResponder(self._app, SMALLEST)(scope, receive, send)


class _Gzip(GZipResponder):
    async def send_with_compression(self, message: Message) -> None:
        """Leave secrets as they are."""
        await super().send_with_compression(message)
        if message["type"] == "http.response.start" and SECRET in message["headers"]:
            self.content_encoding_set = True
            await self.send(message)

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        """Weaken the tag, which is of other bytes than these."""
        headers = MutableHeaders(raw=self.initial_message["headers"])
        tag = headers.get("etag", "W/")
        if not tag.startswith("W/"):
            headers["etag"] = f"W/{tag}"
        return await super().apply_compression(body, more_body=more_body)
