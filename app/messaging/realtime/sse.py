"""Server-sent events: a stream as an answer that does not end."""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.http.leaving import LEAVING
from app.messaging.realtime.channels import Channel
from app.messaging.realtime.hub import Hub
from app.messaging.realtime.stream import Ending, Listener, Outgoing, Stream

MEDIA_TYPE = "text/event-stream"
HEADERS = {
    "Cache-Control": "private, no-store",
    # Nginx would gather them.
    "X-Accel-Buffering": "no",
}


class SseWire:
    """An answer, chunk by chunk; it begins with the first, so that until then it may become another."""

    def __init__(self, scope: Scope, send: Send, start: Sequence[tuple[bytes, bytes]]) -> None:
        self._abort = scope.get("extensions", {}).get("bookstore.abort", {}).get("abort")
        self._send = send
        self._start = start
        self._has_started = False

    async def send(self, message: Outgoing) -> None:
        """Write it. Raises OSError when nobody is there."""
        await self._write(message.lines, is_last=False)

    async def close(self, last: Outgoing, ending: Ending) -> None:
        """Write the last message, and end the answer."""
        del ending
        await self._write(last.lines, is_last=True)

    def abort(self) -> None:
        """Drop the connection, where the server lets us."""
        if self._abort is not None:
            self._abort()

    async def _write(self, body: bytes, *, is_last: bool) -> None:
        if not self._has_started:
            self._has_started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": [*self._start]})
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})


class EventStream(Response):
    """Opens when it is sent: what the endpoint used is given back by then."""

    media_type = MEDIA_TYPE

    def __init__(self, hub: Hub, listener: Listener, channels: Sequence[Channel], after: str | None) -> None:
        super().__init__(headers=HEADERS)
        # Nobody knows how long it will be.
        del self.headers["content-length"]
        self._hub = hub
        self._listener = listener
        self._channels = channels
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until either side ends it. Raises StreamsFull, TooManyStreams, before anything is sent."""
        wire = SseWire(scope, send, self.raw_headers)
        stream = Stream(self._listener, self._channels, wire, self._hub.settings)
        scope["state"]["is_stream"] = True
        if LEAVING.hangs_up:
            # Not a refusal, after which a browser's EventSource would never come again.
            stream.end(Ending.RESTART)
            await stream.drained()
            stream.forget()
            return
        await self._hub.enter(stream)
        try:
            await self._hub.tell_from(stream, self._after)
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self._hub.leave(stream)
