"""How many streams there may be, in all processes together, and what becomes of readers that do not read."""

import asyncio
import json
import os
import socket as sockets
from base64 import b64encode
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from starlette.types import Message, Scope

from app.core.leases import LASTS, Leases
from app.messaging.realtime import schemas
from devstack import Servers
from tests.conftest import ROOT, Caller, settings_for

from .conftest import STREAM, Live, joining, live_server
from .test_sockets import greeted


@pytest.fixture
async def two(servers: Servers, empty_database_url: str) -> AsyncIterator[tuple[Live, Live]]:
    """Two processes' worth of servers of one shop."""
    settings = settings_for(servers, empty_database_url, stream={"per_user": 2, "check": 0.2})
    async with live_server(settings) as one, live_server(settings) as other:
        yield one, other


async def test_streams_are_counted_in_all_processes(two: tuple[Live, Live]) -> None:
    one, other = two
    ada, bob = await joining(one)(), await joining(one)()
    async with one.stream(ada) as first, other.stream(ada) as second:
        await first.next()
        await second.next()
        for live in two:
            refused = await live.http.get(STREAM, headers=ada.headers)
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        async with other.stream(bob) as his:
            await his.next()


async def test_while_redis_is_away_each_process_counts_its_own(
    two: tuple[Live, Live], servers: Servers
) -> None:
    one, other = two
    ada = await joining(one)()
    servers.redis.stop()
    try:
        async with one.stream(ada) as first, one.stream(ada) as second, other.stream(ada) as third:
            for reader in (first, second, third):
                await reader.next()
            assert (await one.http.get(STREAM, headers=ada.headers)).status_code == 429
    finally:
        servers.redis.start()


async def test_places_of_a_killed_process_are_free_by_themselves(live_app: FastAPI) -> None:
    redis = live_app.state.redis
    leases = Leases(redis, "test:leases")
    assert await leases.take("ada", "one", 2)
    assert await leases.take("ada", "two", 2)
    assert not await leases.take("ada", "three", 2)
    assert await leases.take("bob", "three", 2)
    assert 0 < await redis.pttl("test:leases:ada") <= LASTS * 1000
    # As if nobody had renewed it for that long.
    await redis.zadd("test:leases:ada", {"one": 1})
    assert await leases.take("ada", "three", 2)
    await leases.renew({"ada": ["two"]})
    await leases.give_back({"ada": ["three"]})
    assert await redis.zrange("test:leases:ada", 0, -1) == [b"two"]


async def deaf_socket(live: Live, caller: Caller, channel: str) -> sockets.socket:
    """A WebSocket whose client takes the greeting and nothing after it."""
    host, port = live.address.split(":")
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    raw.setblocking(False)  # noqa: FBT003 - the library's own name for it
    loop = asyncio.get_running_loop()
    await loop.sock_connect(raw, (host, int(port)))
    key = b64encode(os.urandom(16)).decode()
    request = (
        f"GET /api/v1/ws/deaf?channel={channel} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"Authorization: {caller.headers['Authorization']}\r\n\r\n"
    )
    await loop.sock_sendall(raw, request.encode())
    said = b""
    async with asyncio.timeout(30):
        while b"connected" not in said:
            said += await loop.sock_recv(raw, 1024)
    return raw


async def test_a_socket_whose_client_reads_nothing_is_dropped(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(servers, empty_database_url, stream={"rate": 1000})
    async with live_server(settings) as live:
        ada, bob = await joining(live)(), await joining(live)()
        raw = await deaf_socket(live, ada, "items:7")
        said = json.dumps({"action": "message", "channel": "items:7", "content": "x" * 15_000})
        try:
            async with greeted(live, bob, "bob", "?channel=items:7") as opened:
                async with asyncio.timeout(60):
                    while await live.app.state.redis.zcard(f"bookstore:streams:{ada.id}"):
                        await opened.send(said)
                        await asyncio.sleep(0.002)
                await opened.send(json.dumps({"action": "ping"}))
                async with asyncio.timeout(30):
                    while json.loads(await opened.recv())["type"] != "pong":
                        pass
        finally:
            raw.close()


async def test_a_server_that_cannot_answer_handshakes_closes_them(live_app: FastAPI) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "wss",
        "path": "/api/v1/ws/tab-1",
        "raw_path": b"/api/v1/ws/tab-1",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "subprotocols": [],
        "state": {},
    }
    await live_app(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": ""}]


def test_every_message_stands_in_the_guide() -> None:
    guide = (ROOT / "docs" / "messages.md").read_text()
    for message in schemas.StreamMessage.__args__:
        kind = message.model_fields["type"].default
        assert f'"type": "{kind}"' in guide or f"`{kind}`" in guide, kind
