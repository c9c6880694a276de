"""Streams of Gunicorn's workers: one that is killed costs nobody an event, and those that are told to go, go at once."""

import asyncio
import json
import os
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from devstack import Servers
from devstack.process import wait_until
from tests.conftest import Caller, running_app, settings_for
from tests.gunicorn import Gunicorn, StartGunicorn, start_gunicorn
from tests.ops.test_leaving import workers_of

from .conftest import STREAM, Live, Reader, joining, paid

__all__ = ["start_gunicorn"]

EVENTS = 120
KILLED_AT = (40, 80)


@pytest.fixture
async def shop(servers: Servers, empty_database_url: str) -> AsyncIterator[FastAPI]:
    """An application on the same servers, for what Gunicorn's does not show."""
    async with running_app(settings_for(servers, empty_database_url)) as app:
        yield app


def beside(app: FastAPI, server: Gunicorn) -> Live:
    """Publishes for Gunicorn's workers to tell."""
    http = httpx.AsyncClient(base_url=server.http.base_url, trust_env=False, timeout=30)
    return Live(app, server.http.base_url.netloc.decode(), http, None)  # type: ignore[arg-type]  # Gunicorn is the server


async def read_events(live: Live, caller: Caller, seen: list[int], most: int) -> None:
    """As an EventSource: come again with the last id, however the stream ended."""
    while len(seen) < most:
        place = str(seen[-1] if seen else 0)
        try:
            async with live.stream(caller, headers={"Last-Event-ID": place}) as reader:
                while len(seen) < most:
                    told = await reader.next()
                    if told.name == "message":
                        seen.append(int(told.id))
        except (httpx.TransportError, StopAsyncIteration, RuntimeError):
            await asyncio.sleep(0.1)


async def read_socket(
    url: str, headers: dict[str, str], seen: list[int], most: int, context: ssl.SSLContext | None = None
) -> None:
    """As a program that keeps the last sequence; `seen` begins with that after which it listens."""
    most += 1
    while len(seen) < most:
        after = f"{url}&last_event_id={seen[-1]}"
        try:
            async with connect(after, additional_headers=headers, proxy=None, ssl=context) as opened:
                while len(seen) < most:
                    message = json.loads(await opened.recv())
                    if message["type"] == "event":
                        seen.append(message["event"]["sequence"])
        except (ConnectionClosed, InvalidHandshake, OSError):
            await asyncio.sleep(0.1)


async def test_killed_workers_cost_nobody_an_event(start_gunicorn: StartGunicorn, shop: FastAPI) -> None:
    server = await asyncio.to_thread(start_gunicorn, "--workers", "2")
    live = beside(shop, server)
    ada = await joining(live)()
    by_events: list[int] = []
    by_socket = [0]
    url = f"ws://{live.address}/api/v1/ws/program?channel=user:me"
    try:
        reading = [
            asyncio.create_task(read_events(live, ada, by_events, EVENTS)),
            asyncio.create_task(read_socket(url, ada.headers, by_socket, EVENTS)),
        ]
        first = await asyncio.to_thread(workers_of, server)
        for number in range(1, EVENTS + 1):
            await live.announce(paid(number, ada.id))
            await asyncio.sleep(0.02)
            if number in KILLED_AT:
                # Each was there from the beginning: together they have all the streams.
                os.kill(first[KILLED_AT.index(number)], signal.SIGKILL)
        async with asyncio.timeout(90):
            await asyncio.gather(*reading)
    finally:
        for each in reading:
            each.cancel()
        await live.http.aclose()
    assert by_events == list(range(1, EVENTS + 1))
    assert by_socket == list(range(EVENTS + 1))


async def test_places_of_a_killed_worker_are_free_at_once(
    start_gunicorn: StartGunicorn, shop: FastAPI
) -> None:
    """An EventSource that is refused never comes again."""
    server = await asyncio.to_thread(start_gunicorn, "--workers", "1", STREAM_PER_USER="2")
    live = beside(shop, server)
    ada = await joining(live)()
    for _ in range(2):
        async with AsyncExitStack() as opened:
            readers = [await opened.enter_async_context(live.stream(ada)) for _ in range(2)]
            for reader in readers:
                await reader.next()
            refused = await live.http.get(STREAM, headers=ada.headers)
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
            (worker,) = await asyncio.to_thread(workers_of, server)
            os.kill(worker, signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                await readers[0].rest()
        assert await asyncio.to_thread(wait_until, server.is_ready, timeout=60)
    await live.http.aclose()


async def test_open_streams_do_not_hold_up_a_shutdown(start_gunicorn: StartGunicorn, shop: FastAPI) -> None:
    server = await asyncio.to_thread(start_gunicorn, "--workers", "1", DRAIN_SECONDS="1")
    live = beside(shop, server)
    ada = await joining(live)()
    url = f"ws://{live.address}/api/v1/ws/program"
    async with connect(url, additional_headers=ada.headers, proxy=None) as opened:
        await opened.recv()
        async with live.stream(ada) as reader, live.http.stream("GET", STREAM, headers=ada.headers) as deaf:
            await reader.next()
            assert deaf.status_code == 200
            server.popen.send_signal(signal.SIGTERM)
            last = await reader.named("reconnect")
            assert last.data["reason"] == "restart"
            assert json.loads(await opened.recv())["reason"] == "restart"
            with pytest.raises(ConnectionClosed) as end:
                await opened.recv()
            assert end.value.rcvd is not None
            assert (end.value.rcvd.code, end.value.rcvd.reason) == (1012, "restart")
            assert (await Reader(deaf).named("reconnect")).data["reason"] == "restart"
    assert await asyncio.to_thread(server.stop) == 0
    await live.http.aclose()
