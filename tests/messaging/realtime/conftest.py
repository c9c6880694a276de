"""A server of the application in this process, clients that read its streams, and events that it tells."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from app.core.events.events import Event, publish
from app.core.events.feed import live_channel, sequence_events
from app.core.http.leaving import LEAVING
from app.core.http.serving import protocol_options
from app.core.settings.settings import Settings
from app.sales.orders.events import OrderPaid
from devstack import Servers
from tests.conftest import Caller, SignUp, make_account, running_app, settings_for

STREAM = "/api/v1/events/stream"
Announce = Callable[..., Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Told:
    """An event as an EventSource gets it."""

    name: str
    id: str
    data: Any


@dataclass
class Reader:
    """Reads one stream."""

    response: httpx.Response
    lines: AsyncIterator[str] = field(init=False)
    retry: int = 0
    comments: int = 0

    def __post_init__(self) -> None:
        self.lines = self.response.aiter_lines()

    async def next(self, within: float = 30) -> Told:
        """The next event. Raises StopAsyncIteration at the end of the stream."""
        name = "message"
        place = data = ""
        async with asyncio.timeout(within):
            while True:
                line = await anext(self.lines)
                kind, _, value = line.partition(": ")
                if not line and data:
                    return Told(name, place, json.loads(data))
                if not line:
                    continue
                if kind == "event":
                    name = value
                elif kind == "id":
                    place = value
                elif kind == "data":
                    data = value
                elif kind == "retry":
                    self.retry = int(value)
                elif not kind:
                    self.comments += 1
                    continue
                else:
                    raise AssertionError(line)

    async def named(self, name: str) -> Told:
        """The next event of this name."""
        while True:
            told = await self.next()
            if told.name == name:
                return told

    async def rest(self) -> list[Told]:
        """All up to the end of the stream."""
        found = []
        while True:
            try:
                found.append(await self.next())
            except StopAsyncIteration:
                return found


@dataclass(frozen=True, slots=True)
class Live:
    """A running server; `address` is its host and port."""

    app: FastAPI
    address: str
    http: httpx.AsyncClient
    server: uvicorn.Server

    @asynccontextmanager
    async def stream(
        self, caller: Caller | None, path: str = STREAM, **options: Any
    ) -> AsyncIterator[Reader]:
        """Open it; what the server says first was read."""
        headers = {**(caller.headers if caller else {}), **options.pop("headers", {})}
        async with self.http.stream("GET", path, headers=headers, **options) as response:
            if response.status_code != 200:
                await response.aread()
                raise AssertionError(response.text)
            yield Reader(response)

    async def announce(self, *events: Event) -> int:
        """Publish events, give them their places and say so, as the worker does; the last place."""
        async with self.app.state.database.sessions.begin() as session:
            for event in events:
                await publish(session, event)
        return await self.sequence()

    async def sequence(self) -> int:
        """Give what is published its places and say so."""
        last = 0
        while True:
            async with self.app.state.database.sessions.begin() as session:
                given = await sequence_events(session)
            if given is None:
                return last
            last = given.last
            channel = await live_channel(self.app.state.database)
            await self.app.state.redis.publish(channel, f"{given.first} {given.last}")


@asynccontextmanager
async def live_server(settings: Settings) -> AsyncIterator[Live]:
    """The application behind a port of its own, with our protocols."""
    LEAVING.has_begun = LEAVING.hangs_up = False
    async with running_app(settings) as app:
        listening = socket.create_server(("127.0.0.1", 0))
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(app, lifespan="off", log_config=None, **protocol_options(settings.stream))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listening]))
        try:
            async with (
                asyncio.timeout(60),
                httpx.AsyncClient(base_url=f"http://{address}", trust_env=False, timeout=30) as http,
            ):
                while not server.started or app.state.streams.is_degraded is not False:
                    await asyncio.sleep(0.01)
                yield Live(app, address, http, server)
        finally:
            LEAVING.hangs_up = True
            server.should_exit = True
            await serving
            LEAVING.has_begun = LEAVING.hangs_up = False


@pytest.fixture
async def live(servers: Servers, empty_database_url: str) -> AsyncIterator[Live]:
    async with live_server(settings_for(servers, empty_database_url)) as running:
        yield running


@pytest.fixture
def join(live: Live) -> SignUp:
    """As `sign_up`, of the running server."""
    return joining(live)


def joining(live: Live) -> SignUp:
    """As `sign_up`, of this server."""

    async def make(*given: Any) -> Caller:
        async with live.app.state.database.sessions.begin() as arranging:
            return await make_account(live.app, arranging, *given)

    return make


def paid(number: int, user_id: int | None = None) -> OrderPaid:
    """An event of the order with this number."""
    return OrderPaid(number, order_number(number), user_id=user_id)


def order_number(number: int) -> str:
    """As orders are numbered."""
    return f"ORD-{number:08}"
