"""How a server process goes: first it says that it is not ready, and only then takes no more connections.

Between the two, whoever sends requests here has the time to notice. Each answer in it closes its connection, so
that none lies idle in a proxy's pool when the process hangs up.
"""

import asyncio
import signal
import socket
import time
from types import FrameType

from uvicorn import Config, Server

_FIRST_REQUEST = 0.2
"""Seconds between a connection and its first request, from whoever makes one to use it at once."""


class Leaving:
    """Whether this process was told to go, and whether its answers close their connections."""

    has_begun = False
    hangs_up = False


LEAVING = Leaving()


class LeavingServer(Server):
    """Uvicorn, which goes on for `seconds` after the first SIGTERM, or after the most requests that it may answer.

    A second SIGTERM ends that. One that has answered enough stays ready: others of its kind go on.
    """

    def __init__(self, config: Config, seconds: float) -> None:
        super().__init__(config)
        self._seconds = seconds
        self._goes_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to leave, or shut down at once."""
        if sig != signal.SIGTERM or not self._seconds or LEAVING.has_begun:
            super().handle_exit(sig, frame)
            return
        LEAVING.has_begun = True
        self._begin()

    async def on_tick(self, counter: int) -> bool:
        """Shut down when the time is over."""
        if self._goes_at is not None and time.monotonic() >= self._goes_at:
            return True
        is_over = await super().on_tick(counter)
        if not is_over or self.should_exit or not self._seconds:
            return is_over
        self.limit_max_requests = None
        self._begin()
        return False

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and of those that came last the first request; what never ends ends now."""
        LEAVING.hangs_up = True
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        await asyncio.sleep(_FIRST_REQUEST)
        await super().shutdown(sockets)

    def _begin(self) -> None:
        LEAVING.hangs_up = True
        if self._goes_at is None:
            self._goes_at = time.monotonic() + self._seconds
