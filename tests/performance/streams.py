"""`python -m tests.performance.streams`: what open streams cost, on servers of its own, one worker as in production.

All of it, or what is named: `idle` (memory of WebSockets of which nothing comes), `latency` (from an event's place in the feed
to its last listener), `reads` (hot reads beside open streams), `restart` (how soon all are back after a rolling restart).
"""

import asyncio
import base64
import itertools
import os
import secrets
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import uvloop

from app.core.db.engine import Database
from app.core.events.events import publish
from app.core.events.feed import live_channel, sequence_events
from app.core.redis import make_redis
from app.core.settings.groups import DatabaseSettings
from app.core.settings.redis import RedisSettings
from app.sales.orders.events import OrderPaid
from devstack import throwaway_servers
from tests.performance.load import request_bytes, send_for
from tests.performance.server import Server, migrate, production, serving

IDLE = 5000
LISTENING = 1000
EVENTS = 20
SECONDS = 3.0
ROUNDS = 3
_AT_ONCE = 50
_SETTLE = 2.0
_PASSWORD = "Quick-" + secrets.token_hex(8) + "-A1!"


@dataclass(slots=True)
class Client:
    """One connection; `heard_at` are the moments at which its events came."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    heard_at: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shop:
    """The server, somebody who is logged in, and the way to announce what concerns them."""

    server: Server
    token: str
    user_id: int
    database: Database
    redis_url: str

    async def announce(self) -> float:
        """Give an event its place and say so, as the worker does; when it had its place."""
        redis = make_redis(RedisSettings(url=self.redis_url))
        channel = await live_channel(self.database)
        async with self.database.sessions.begin() as session:
            await publish(session, OrderPaid(1, "ORD-00000001", user_id=self.user_id))
        async with self.database.sessions.begin() as session:
            given = await sequence_events(session)
        moment = time.perf_counter()
        if given is not None:
            await redis.publish(channel, f"{given.first} {given.last}")
        await redis.aclose()
        return moment

    def request(self, path: str, **headers: str) -> bytes:
        """A GET by the account."""
        return request_bytes(path, {"Authorization": f"Bearer {self.token}", **headers})


async def open_socket(shop: Shop, number: int) -> Client:
    """A WebSocket that was greeted."""
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": "13",
    }
    return await _opened(shop, shop.request(f"/api/v1/ws/tab-{number}", **headers), b"connected")


async def open_events(shop: Shop, number: int) -> Client:
    """A stream of events that was greeted."""
    del number
    return await _opened(shop, shop.request("/api/v1/events/stream"), b"event: connected")


async def _opened(shop: Shop, request: bytes, greeting: bytes) -> Client:
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.server.port)
    writer.write(request)
    said = b""
    while greeting not in said:
        more = await reader.read(4096)
        if not more:
            raise ConnectionError(said.decode(errors="replace")[:300])
        said += more
    return Client(reader, writer)


@asynccontextmanager
async def many(
    shop: Shop, count: int, opening: Callable[[Shop, int], Awaitable[Client]]
) -> AsyncIterator[list[Client]]:
    """So many connections, opened a few at once."""
    lanes = asyncio.Semaphore(_AT_ONCE)

    async def come(number: int) -> Client:
        async with lanes:
            return await opening(shop, number)

    clients = await asyncio.gather(*(come(number) for number in range(count)))
    try:
        yield clients
    finally:
        for client in clients:
            client.writer.close()
        await asyncio.sleep(_SETTLE)


async def listen(client: Client) -> None:
    """Note when each event comes, until the connection ends."""
    while said := await client.reader.read(65_536):
        client.heard_at += [time.perf_counter()] * said.count(b'\ndata: {"id":"evt_')


async def measure_idle(shop: Shop) -> None:
    """Memory and processor time of WebSockets of which nothing comes."""
    before = shop.server.resident_mib()
    async with many(shop, IDLE, open_socket):
        await asyncio.sleep(_SETTLE)
        grown = shop.server.resident_mib() - before
        started = shop.server.cpu_seconds()
        await asyncio.sleep(10)
        used = (shop.server.cpu_seconds() - started) * 10
        print(
            f"{IDLE:,} idle WebSockets: {grown:.0f} MiB beside {before:.0f} (150 promised), {used:.1f}% of a core"
        )


async def measure_latency(shop: Shop) -> None:
    """From the commit that gives an event its place to each of its listeners."""
    async with many(shop, LISTENING, open_events) as clients:
        listening = [asyncio.create_task(listen(client)) for client in clients]
        moments = []
        for _ in range(EVENTS):
            moments.append(await shop.announce())
            await asyncio.sleep(1)
        took = [
            (heard - moment) * 1000
            for client in clients
            for moment, heard in zip(moments, client.heard_at, strict=True)
        ]
        for each in listening:
            each.cancel()
    cuts = statistics.quantiles(took, n=100)
    print(
        f"one event to {LISTENING:,} listeners, {EVENTS} times: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms (250 promised),"
        f" slowest {max(took):.0f} ms"
    )


async def measure_reads(shop: Shop, path: str) -> None:
    """Hot reads without and with open streams, in turn."""
    requests = itertools.repeat(request_bytes(path))

    async def cpu_per_read() -> float:
        before = shop.server.cpu_seconds()
        burst = await send_for(shop.server.port, requests, SECONDS, 200)
        return (shop.server.cpu_seconds() - before) / len(burst.latencies) * 1e6

    await cpu_per_read()
    alone, beside = [], []
    for _ in range(ROUNDS):
        alone.append(await cpu_per_read())
        async with many(shop, LISTENING, open_events) as clients:
            listening = [asyncio.create_task(listen(client)) for client in clients]
            beside.append(await cpu_per_read())
            for each in listening:
                each.cancel()
    one, other = statistics.median(alone), statistics.median(beside)
    print(
        f"hot GET {path}: {one:.0f} CPU-µs, {other:.0f} beside {LISTENING:,} open streams, ratio {one / other:.2f}"
    )


async def measure_restart(shop: Shop) -> None:
    """A rolling restart: each client comes again when it is told, after the time that it is told."""
    back: list[float] = []

    async def stay(client: Client) -> None:
        said = b""
        while more := await client.reader.read(65_536):
            said = more
        wait = int(said.partition(b"retry: ")[2].partition(b"\n")[0] or 1000)
        client.writer.close()
        await asyncio.sleep(wait / 1000)
        while True:
            try:
                again = await open_events(shop, 0)
                break
            except OSError:
                await asyncio.sleep(0.2)
        back.append(time.perf_counter())
        again.writer.close()

    async with many(shop, LISTENING, open_events) as clients:
        staying = [asyncio.create_task(stay(client)) for client in clients]
        master = parent_of(shop.server.worker)
        started = time.perf_counter()
        os.kill(master, signal.SIGHUP)
        await asyncio.gather(*staying)
    print(f"rolling restart: {LISTENING:,} streams back within {max(back) - started:.1f} s (10 promised)")


def parent_of(pid: int) -> int:
    """Gunicorn's master."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


async def measure(server: Server, database_url: str, redis_url: str) -> None:
    """All of it."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as http:
        account = {"username": "reader", "email": "reader@example.com", "password": _PASSWORD}
        made = (await http.post("/api/v1/users/register", json=account)).raise_for_status()
        form = {"username": "reader", "password": _PASSWORD}
        token = (await http.post("/api/v1/auth/token", data=form)).raise_for_status().json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        book = {"title": "A book", "price": 10}
        path = (
            (await http.post("/api/v1/books", json=book, headers=headers))
            .raise_for_status()
            .headers["location"]
        )
    database = Database(DatabaseSettings(url=database_url))
    shop = Shop(server, token, made.json()["id"], database, redis_url)
    # What the account itself has announced gets its places now.
    await shop.announce()
    measures = {
        "idle": partial(measure_idle, shop),
        "latency": partial(measure_latency, shop),
        "reads": partial(measure_reads, shop, path),
        "restart": partial(measure_restart, shop),
    }
    for name in sys.argv[1:] or measures:
        await measures[name]()
    await database.close()


def main() -> None:
    """Start servers and a worker, measure, print."""
    with throwaway_servers() as servers, tempfile.TemporaryDirectory() as folder:
        settings = {
            **production(servers),
            "STREAM_PER_USER": "100000",
            "STREAM_PER_WORKER": "100000",
            "STREAM_LIFETIME": "86400",
            "JWT_ACCESS_TTL": "86400",
        }
        migrate(settings, Path(folder))
        with serving(None, settings, Path(folder), "/health/ready") as server:
            uvloop.run(measure(server, servers.database_url, servers.redis_url))


if __name__ == "__main__":
    main()
