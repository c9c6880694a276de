"""One open stream, be it of server-sent events or a WebSocket: what waits for its reader, and how it ends."""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from app.core.settings.streams import StreamSettings
from app.identity.principal import Principal
from app.messaging.realtime.channels import Channel
from app.messaging.realtime.schemas import Closed, Reconnect, StreamMessage

_TO_END = 2.0
"""Seconds that a reader has to take the last message."""
_SOONEST_RETRY, _LATEST_RETRY = 500, 3000
"""Milliseconds after which a client comes again: at random, so that those of one process do not come together."""


class Ending(Enum):
    """Why a stream ends: the reason, the close code of a WebSocket, and whether coming again helps."""

    LIFETIME = ("lifetime", 1001, True)
    TOKEN_EXPIRED = ("token-expired", 1008, True)
    RESTART = ("restart", 1012, True)
    UNAVAILABLE = ("unavailable", 1013, True)
    SLOW_READER = ("slow-reader", 1013, True)
    ACCESS_CHANGED = ("access-changed", 1008, True)
    SESSION_ENDED = ("session-ended", 1008, False)
    TOO_MANY_MESSAGES = ("too-many-messages", 1008, False)
    MESSAGE_TOO_BIG = ("message-too-big", 1009, False)

    def __init__(self, reason: str, code: int, comes_again: bool) -> None:
        self.reason = reason
        self.code = code
        self.comes_again = comes_again


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message in both forms; without `text`, a WebSocket need not be told."""

    lines: bytes
    text: str | None


HEARTBEAT = Outgoing(b": heartbeat\n\n", None)


def outgoing(message: StreamMessage, place: int | None = None) -> Outgoing:
    """A message about the stream itself: an event of its own name for EventSource."""
    text = message.model_dump_json()
    head = "" if place is None else f"id: {place}\n"
    if isinstance(message, Reconnect):
        head += f"retry: {message.retry}\n"
    return Outgoing(f"{head}event: {message.type}\ndata: {text}\n\n".encode(), text)


class Wire(Protocol):
    """The way to the client."""

    async def send(self, message: Outgoing) -> None:
        """Write it; waits while the client does not read. Raises OSError when nobody is there."""
        ...

    async def close(self, last: Outgoing, ending: Ending) -> None:
        """Write the last message, and end."""
        ...

    def abort(self) -> None:
        """Drop the connection with whatever is still to be written."""
        ...


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens: `ends_at` is when their token expires, on the event loop's clock. Who `speaks` is a member of its
    channels, hears the others and is heard by them.
    """

    principal: Principal
    client_id: str
    ends_at: float | None
    speaks: bool = False


class Stream:
    """What waits for one reader; nothing of it runs while nothing waits.

    `place` is up to where the reader was told of the feed. While `is_behind`, what was missed is being read for it,
    and the hub does not offer it what is new.
    """

    __slots__ = (
        "_drop",
        "_pump",
        "_settings",
        "_tokens",
        "_tokens_at",
        "_waiting",
        "_wire",
        "channels",
        "ending",
        "ends_at",
        "id",
        "is_behind",
        "listener",
        "place",
        "sent_at",
    )

    def __init__(
        self, listener: Listener, channels: Sequence[Channel], wire: Wire, settings: StreamSettings
    ) -> None:
        now = asyncio.get_running_loop().time()
        self.id = secrets.token_hex(8)
        self.listener = listener
        self.channels = dict.fromkeys(channels)
        self.place = 0
        self.is_behind = True
        self.ending: Ending | None = None
        self.ends_at = now + settings.lifetime
        self.sent_at = now
        self._settings = settings
        self._wire = wire
        # A list, which is short: an empty deque takes more than all the rest.
        self._waiting: list[Outgoing] = []
        self._pump: asyncio.Task[None] | None = None
        self._drop: asyncio.TimerHandle | None = None
        self._tokens = float(settings.waiting)
        self._tokens_at = now

    def offer(self, message: Outgoing) -> None:
        """Send it when those before it are sent; a reader that has not taken too many is cut."""
        if self.ending is not None:
            return
        if len(self._waiting) >= self._settings.waiting:
            self.end(Ending.SLOW_READER)
            return
        self._waiting.append(message)
        if self._pump is None:
            self._pump = asyncio.create_task(self._send_waiting())

    def end(self, ending: Ending) -> None:
        """Say why, and end; whoever does not read even that is dropped."""
        if self.ending is not None:
            return
        self.ending = ending
        self._waiting.clear()
        if self._pump is None:
            self._pump = asyncio.create_task(self._send_waiting())
        self._drop = asyncio.get_running_loop().call_later(_TO_END, self._wire.abort)

    async def drained(self) -> None:
        """Wait until nothing waits."""
        if self._pump is not None:
            await asyncio.wait([self._pump])

    def forget(self) -> None:
        """The client has gone: nothing is sent any more."""
        self._waiting.clear()
        if self._pump is not None:
            self._pump.cancel()
        if self._drop is not None:
            self._drop.cancel()

    async def _send_waiting(self) -> None:
        try:
            while self._waiting:
                if not self.is_behind:
                    await self._pace()
                if self._waiting:
                    message = self._waiting.pop(0)
                    await self._wire.send(message)
            if self.ending is not None:
                await self._wire.close(self._last_message(self.ending), self.ending)
        except OSError:
            # Nobody reads any more; whoever waits for the client to leave learns of it too.
            self._waiting.clear()
        finally:
            self.sent_at = asyncio.get_running_loop().time()
            self._pump = None

    async def _pace(self) -> None:
        """Wait where more was sent than a few at once and `rate` a second."""
        now = asyncio.get_running_loop().time()
        most, rate = self._settings.waiting, self._settings.rate
        self._tokens = min(most, self._tokens + (now - self._tokens_at) * rate) - 1
        self._tokens_at = now
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / rate)

    def _last_message(self, ending: Ending) -> Outgoing:
        if not ending.comes_again:
            return outgoing(Closed(reason=ending.reason))
        spread = _SOONEST_RETRY + secrets.randbelow(_LATEST_RETRY - _SOONEST_RETRY)
        return outgoing(Reconnect(reason=ending.reason, retry=spread))
