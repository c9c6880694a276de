"""Whatever breaks under a checkout, its key tells in the end: one order, or an untouched cart; never half of it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from devstack import Servers
from tests.conftest import SignUp
from tests.factories import ADDRESS, a_quote, an_item, fill_cart, once
from tests.gunicorn import Gunicorn, StartGunicorn

CHECKOUT = "/api/v1/checkout"
WAITING = "SELECT pid FROM pg_locks WHERE NOT granted"
GATE = 12
"""An advisory lock that a test has for as long as no order may be committed."""
AT_COMMIT = (
    "CREATE FUNCTION break_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; RETURN NULL; END $$;"
    " CREATE CONSTRAINT TRIGGER breaking AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED"
    " FOR EACH ROW EXECUTE FUNCTION break_it()"
)
Values = tuple[int, ...]
UNTOUCHED: Values = (0, 0, 0, 2, 0, 0)
BOUGHT: Values = (1, 2, 2, 0, 1, 1)


@dataclass
class Shop:
    """A buyer with two pens in the cart, ready to buy with one key, and a connection beside the application."""

    database: asyncpg.Connection
    pen: dict[str, Any]
    body: dict[str, Any]
    headers: dict[str, str]

    async def state(self) -> Values:
        """Orders; pieces reserved by levels and by movements; pieces in carts; events told; keys done with."""
        found = await self.database.fetchrow(
            "SELECT (SELECT count(*) FROM orders), (SELECT sum(reserved) FROM stock_levels),"
            " (SELECT coalesce(sum(reserved_delta), 0) FROM stock_movements),"
            " (SELECT coalesce(sum(quantity), 0) FROM cart_lines),"
            " (SELECT count(*) FROM outbox_events WHERE type = 'order.created'),"
            " (SELECT count(*) FROM idempotency_keys WHERE answer IS NOT NULL)"
        )
        return tuple(int(value) for value in found or ())

    async def waiting(self) -> int:
        """The backend that waits for a lock, as soon as one does."""
        async with asyncio.timeout(60):
            while (pid := await self.database.fetchval(WAITING)) is None:
                await asyncio.sleep(0.02)
        return int(pid)

    @asynccontextmanager
    async def stock_is_locked(self) -> AsyncIterator[None]:
        """Whoever wants to set pens apart waits until the block ends."""
        async with self.database.transaction():
            await self.database.execute(
                "SELECT 1 FROM stock_levels WHERE item_id = $1 FOR UPDATE", self.pen["id"]
            )
            yield

    @asynccontextmanager
    async def commits_wait(self) -> AsyncIterator[None]:
        """Whoever commits an order waits in the commit until the block ends."""
        await self.database.execute(AT_COMMIT.format(f"PERFORM pg_advisory_xact_lock({GATE})"))
        await self.database.execute("SELECT pg_advisory_lock($1)", GATE)
        try:
            yield
        finally:
            await self.database.execute("SELECT pg_advisory_unlock($1)", GATE)


@pytest.fixture
async def shop(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, empty_database_url: str
) -> AsyncIterator[Shop]:
    seller, buyer = await live_sign_up(), await live_sign_up()
    pen = await an_item(live_client, seller, quantity=5)
    await fill_cart(live_client, buyer, (pen, 2))
    quote = await a_quote(live_client, buyer)
    body = {"address": dict(ADDRESS), "shipping_option": "standard", "expected_total": quote["total"]}
    database = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
    yield Shop(database, pen, body, once(buyer))
    await database.close()


async def buys_once(client: httpx.AsyncClient, shop: Shop) -> None:
    """With the same key one order comes of it, and again that one."""
    assert await shop.state() == UNTOUCHED
    first = await client.post(CHECKOUT, json=shop.body, headers=shop.headers)
    assert (first.status_code, "idempotent-replayed" in first.headers) == (201, False), first.text
    again = await client.post(CHECKOUT, json=shop.body, headers=shop.headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert await shop.state() == BOUGHT


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("RAISE SQLSTATE '40001'", 503),
        ("RAISE SQLSTATE '53100' USING MESSAGE = 'could not extend file'", 503),
        ("RAISE EXCEPTION 'no'", 500),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", 503),
    ],
    ids=["collision", "disk full", "bug", "hung up"],
)
async def test_a_commit_that_fails_leaves_nothing_and_frees_the_key(
    live_client: httpx.AsyncClient, shop: Shop, fault: str, status: int
) -> None:
    await shop.database.execute(AT_COMMIT.format(fault))
    failed = await live_client.post(CHECKOUT, json=shop.body, headers=shop.headers)
    assert failed.headers["content-type"] == "application/problem+json"
    assert (failed.status_code, failed.json()["status"]) == (status, status), failed.text
    assert "no" not in failed.json().get("detail", "").split()
    assert await shop.state() == UNTOUCHED
    await shop.database.execute("DROP TRIGGER breaking ON orders")
    await buys_once(live_client, shop)


async def test_a_connection_lost_halfway_leaves_nothing_and_frees_the_key(
    live_client: httpx.AsyncClient, shop: Shop
) -> None:
    async with shop.stock_is_locked():
        sending = asyncio.ensure_future(live_client.post(CHECKOUT, json=shop.body, headers=shop.headers))
        pid = await shop.waiting()
        await shop.database.execute("SELECT pg_terminate_backend($1)", pid)
        failed = await sending
    assert (failed.status_code, failed.json()["status"]) == (503, 503), failed.text
    assert failed.headers["content-type"] == "application/problem+json"
    await buys_once(live_client, shop)


async def test_redis_is_not_needed_to_buy(
    servers: Servers, live_client: httpx.AsyncClient, shop: Shop
) -> None:
    servers.redis.stop()
    try:
        await buys_once(live_client, shop)
    finally:
        servers.redis.start()


@asynccontextmanager
async def killed_in(
    start_gunicorn: StartGunicorn, shop: Shop, hold: Callable[[], Any]
) -> AsyncIterator[Callable[[Gunicorn], httpx.Response]]:
    """Kill the whole server while the checkout is held; within the block what held it has let go."""
    server = await asyncio.to_thread(start_gunicorn, "--workers", "1")

    def send(to: Gunicorn) -> httpx.Response:
        with closing(httpx.Client(base_url=to.http.base_url, trust_env=False, timeout=60)) as http:
            return http.post(CHECKOUT, json=shop.body, headers=shop.headers)

    async with hold():
        sending = asyncio.ensure_future(asyncio.to_thread(send, server))
        await shop.waiting()
        kill_all(server)
        with pytest.raises(httpx.TransportError):
            await sending
    async with asyncio.timeout(60):
        while await shop.database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
            " AND pid <> pg_backend_pid()"
        ):
            await asyncio.sleep(0.02)
    # However long the next server takes to start.
    await shop.database.execute("UPDATE idempotency_keys SET claimed_until = now() - interval '1 s'")
    yield send


def kill_all(server: Gunicorn) -> None:
    master = server.popen.pid
    workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    for pid in (master, *map(int, workers)):
        os.kill(pid, signal.SIGKILL)
    server.exit_code = server.popen.wait(15)
    server.http.close()


async def test_killed_before_the_commit_the_cart_is_there_and_the_key_buys_it(
    start_gunicorn: StartGunicorn, shop: Shop
) -> None:
    async with killed_in(start_gunicorn, shop, shop.stock_is_locked) as send:
        assert await shop.state() == UNTOUCHED
        restarted = await asyncio.to_thread(start_gunicorn, "--workers", "1")
        answer = await asyncio.to_thread(send, restarted)
        assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False), answer.text
        again = await asyncio.to_thread(send, restarted)
        assert (again.status_code, again.content) == (201, answer.content)
    assert await shop.state() == BOUGHT


async def test_killed_in_the_commit_the_order_is_there_and_the_key_tells_it(
    start_gunicorn: StartGunicorn, shop: Shop
) -> None:
    async with killed_in(start_gunicorn, shop, shop.commits_wait) as send:
        assert await shop.state() == BOUGHT
        restarted = await asyncio.to_thread(start_gunicorn, "--workers", "1")
        answer = await asyncio.to_thread(send, restarted)
        assert (answer.status_code, answer.headers["idempotent-replayed"]) == (201, "true"), answer.text
        assert answer.json()["number"] == await shop.database.fetchval("SELECT number FROM orders")
    assert await shop.state() == BOUGHT
