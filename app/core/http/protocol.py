"""Uvicorn's HTTP protocol with the bounds that it lacks: the size of a header block, and how long a request may stay half.

For a server that no proxy stands before: Nginx has bounds of its own, which are narrower.
"""

import asyncio
import logging
import uuid
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from app.core.http.leaving import LEAVING
from app.core.http.problems import GENERIC, MEDIA_TYPE, Problem

LARGEST_HEADER = 64 * 1024
"""Bytes of the request line and all headers together; trailers count too."""
LONGEST_WAIT = 20.0
"""Seconds in which the header must be there, and between two pieces of a body."""
_OF_CLIENTS = ("ASGI callable returned without completing handshake", "Invalid UTF-8 sequence received")


class _OurFaults(logging.Filter):
    """Drops what Uvicorn calls an error though a client made it: a handshake that was answered by a refusal, bad text."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line stays."""
        return not record.getMessage().startswith(_OF_CLIENTS)


_quiet = logging.getLogger("uvicorn.sockets")
_quiet.setLevel(logging.WARNING)
_quiet.addFilter(_OurFaults())
_AROUND = len(b": \r\n")


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch: asyncio.TimerHandle | None = None
        self._waits_since = 0.0
        self._is_in_header = True
        self._is_in_body = False
        self._has_begun = False
        self._is_refused = False
        self._header_size = 0
        self._unparsed = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as Uvicorn's own
        """Give the first request its time."""
        super().connection_made(transport)
        self._watch_out()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._unwatch()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it is too much; begin or end the wait for the rest."""
        if self._is_refused:
            return
        was_in_header, self._unparsed = self._is_in_header, self._unparsed + len(data)
        self._has_begun = was_in_header or self._is_in_body
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._unwatch()
            return
        if not was_in_header or not self._is_in_header:
            # Of a header that began within these bytes, not all may be its own.
            self._unparsed = 0
        if self._unparsed > LARGEST_HEADER:
            self._refuse("headers-too-large")
        elif self._is_in_body:
            # Each piece renews the time.
            self._waits_since = self.loop.time()
            self._watch_out()
        elif self._is_in_header or not self._has_begun:
            # Empty lines between requests are waiting too, and end Uvicorn's own time for idle connections.
            self._watch_out()
        else:
            self._unwatch()

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        # For whoever cannot wait until a client reads: nothing else ends a connection with something left to write.
        self.scope["extensions"] = {"bookstore.abort": {"abort": self.transport.abort}}
        self._is_in_header = self._has_begun = True
        self._header_size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header, or a trailer."""
        self._header_size += len(name) + len(value) + _AROUND
        super().on_header(name, value)
        if self._is_in_body and self._header_size > LARGEST_HEADER:
            self._refuse("headers-too-large")

    def on_headers_complete(self) -> None:
        """Start the request, unless its header is too large."""
        if self._header_size + len(self.url) > LARGEST_HEADER:
            self._refuse("headers-too-large")
        self._is_in_header, self._is_in_body = False, True
        if not self._is_refused:
            super().on_headers_complete()
            # A handshake of a WebSocket makes none.
            if LEAVING.hangs_up and self.cycle is not None:
                self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Pass a piece on."""
        if not self._is_refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the wait; the next request's begins with its first byte."""
        self._is_in_body = False
        if not self._is_refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer as a problem."""
        del msg
        self._refuse("bad-request")

    def _watch_out(self) -> None:
        if self._watch is None:
            self._waits_since = self.loop.time()
            self._watch = self.loop.call_later(LONGEST_WAIT, self._look)

    def _unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        self._watch = None
        left = self._waits_since + LONGEST_WAIT - self.loop.time()
        if self.flow.read_paused or (self._is_answering and not self._is_in_body):
            # We are the slow one: what is here was not taken yet, or the request before is not answered.
            left = LONGEST_WAIT
        if left > 0:
            self._watch = self.loop.call_later(left, self._look)
        else:
            self._refuse("request-timeout")

    def _refuse(self, code: str) -> None:
        """Answer where an answer is still possible, and hang up."""
        if self._is_refused or self.transport.is_closing():
            return
        self._is_refused = True
        self._unwatch()
        if not self._is_answering and not self._is_in_body:
            self.transport.write(_answer(code))
        elif self._is_answering:
            if not self.cycle.response_started:
                self.transport.write(_answer(code))
            # Whoever still reads the body, or means to answer, learns that nobody is there.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    @property
    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete


class BoundedSocket(WebSocketsSansIOProtocol):
    """Uvicorn's WebSocket, which the application can drop. Its own lines would have the addresses with what they ask for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _quiet

    def handle_connect(self, event: Request) -> None:
        """Say how in the scope: the application looks at it after this."""
        super().handle_connect(event)
        # The scope has them.
        event.headers.clear()
        if hasattr(self, "scope"):
            self.scope["extensions"]["bookstore.abort"] = {"abort": self.transport.abort}


def _answer(code: str) -> bytes:
    status, title, detail = GENERIC[code]
    request_id = uuid.uuid4().hex
    problem = Problem(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=detail,
        code=code,
        instance="/",
        request_id=request_id,
    )
    body = problem.model_dump_json(exclude_none=True).encode()
    head = (
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\ncache-control: no-store\r\n"
        f"x-content-type-options: nosniff\r\nx-request-id: {request_id}\r\nconnection: close\r\n\r\n"
    )
    return STATUS_LINE[status] + head.encode() + body
