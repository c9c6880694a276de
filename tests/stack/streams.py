"""Listeners of live updates through Nginx with TLS, who come again by themselves as browsers do."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.stack.stack import any_certificate

_LONGEST_PAUSE = 3.0
UNVERIFIED = any_certificate()
"""One for all: a thousand listeners would make a thousand."""


@dataclass
class EventSource:
    """One listener: what it was told, and when it was connected and cut off."""

    port: int
    path: str
    token: str
    events: list[dict[str, object]] = field(default_factory=list)
    connected: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    last_event_id: str = ""
    _retry: float = 1.0

    @property
    def is_connected(self) -> bool:
        """Whether the stream is open, greeting included."""
        return len(self.connected) > len(self.ended)

    async def listen(self) -> None:
        """Listen until cancelled, and come again after the last event that was told."""
        while True:
            was_connected = len(self.connected)
            try:
                await self._listen_once()
            except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
                pass
            finally:
                if len(self.connected) > was_connected:
                    self.ended.append(time.monotonic())
            await asyncio.sleep(min(self._retry, _LONGEST_PAUSE))

    async def _listen_once(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=UNVERIFIED)
        try:
            lines = [
                # By 1.0 the answer is the stream itself, without the sizes of chunks in it.
                f"GET {self.path} HTTP/1.0",
                "Host: localhost",
                "Accept: text/event-stream",
                f"Authorization: Bearer {self.token}",
                *([f"Last-Event-ID: {self.last_event_id}"] if self.last_event_id else []),
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in head.split(b"\r\n", 1)[0]:
                return
            await self._read(reader)
        finally:
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        name, event_id = "message", ""
        while line := await reader.readline():
            field_name, _, value = line.decode().rstrip("\n").partition(": ")
            match field_name:
                case "id":
                    event_id = value
                case "event":
                    name = value
                case "retry":
                    self._retry = int(value) / 1000
                case "data":
                    self._take(name, json.loads(value), event_id)
                case "":
                    name, event_id = "message", ""

    def _take(self, name: str, data: dict[str, object], event_id: str) -> None:
        if event_id:
            self.last_event_id = event_id
        if name == "connected":
            self.connected.append(time.monotonic())
        elif name == "message":
            self.events.append(data)
        else:
            assert name in {"reconnect", "degraded", "recovered"}, (name, data)


@asynccontextmanager
async def listening(*sources: EventSource) -> AsyncIterator[None]:
    """All of them connected, and listening during this block."""
    tasks = [asyncio.create_task(source.listen()) for source in sources]
    try:
        async with asyncio.timeout(120):
            while not all(source.connected for source in sources):
                await asyncio.sleep(0.1)
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # Until the loop has seen the end of each connection.
        await asyncio.sleep(0.5)
