"""Live updates by two API processes behind Nginx: a kill and a rolling restart cost no event, and nobody waits long."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.browser.test_event_source import PAGE
from tests.browser.test_own_writes import PageServer, browser, page_server, run_page
from tests.messaging.realtime.test_workers import read_socket
from tests.stack.conftest import StackMaker
from tests.stack.stack import Stack, docker, running
from tests.stack.streams import UNVERIFIED, EventSource, listening
from tests.stack.test_replacing import settle

__all__ = ["browser"]

SERVERS = 2
CHANGES = 60
MANY = 1000
_SELLER = {"username": "demo_seller", "password": "Bookstore-demo-1!"}


@pytest.fixture(scope="module")
def page() -> Iterator[PageServer]:
    """A page that listens by EventSource and WebSocket, on an origin of its own."""
    with page_server(PAGE) as server:
        yield server


@pytest.fixture(scope="module")
def live(make_stack: StackMaker, page: PageServer) -> Iterator[Stack]:
    """Two API containers, one Gunicorn worker each, and limits that a crowd from one address does not meet."""
    stack = make_stack("live", variables={"NGINX_API_RATE": "10000r/s", "NGINX_API_BURST": "10000"})
    stack.set_in_env(
        RATE_LIMIT_FACTOR="10000",
        WEB_CONCURRENCY="1",
        STREAM_PER_USER=str(2 * MANY),
        CORS_ORIGINS=page.origin,
    )
    with running(stack, "--scale", f"api={SERVERS}"):
        settle(stack, SERVERS)
        yield stack


class Shop:
    """The demo's seller, and one thing of theirs whose price changes."""

    def __init__(self, stack: Stack) -> None:
        self.client = stack.client(tls=True)
        login = self.client.post("/api/v1/auth/token", data=_SELLER)
        login.raise_for_status()
        self.token = login.json()["access_token"]
        self.client.headers["Authorization"] = f"Bearer {self.token}"
        thing = {"title": f"live-{uuid4().hex}", "kind": "stationery", "price": 1000}
        made = self.client.post("/api/v1/items", json=thing)
        made.raise_for_status()
        self.item_id: int = made.json()["id"]

    def source(self, stack: Stack) -> EventSource:
        """Somebody who hears of it."""
        path = f"/api/v1/events/stream?channel=items:{self.item_id}"
        return EventSource(stack.https_port, path, self.token)

    async def set_price(self, price: int) -> None:
        """Sent again until it is known to have happened."""
        while True:
            try:
                answer = await asyncio.to_thread(
                    self.client.patch, f"/api/v1/items/{self.item_id}", json={"price": price}
                )
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                return
            assert answer.status_code >= 500, answer.text
            await asyncio.sleep(0.1)


@pytest.fixture
def shop(live: Stack) -> Iterator[Shop]:
    shop = Shop(live)
    yield shop
    shop.client.close()


def prices_told(source: EventSource) -> list[int]:
    told = [event for event in source.events if event["type"] == "item.price_changed"]
    return [int(event["data"]["price"]) for event in told]  # type: ignore[index]  # as the catalogue of events has it


async def test_every_change_is_told_once_in_order_though_a_server_is_killed(
    live: Stack, shop: Shop, browser: str, page: PageServer, tmp_path: Path
) -> None:
    sources = [shop.source(live) for _ in range(8)]
    changes = list(range(1, CHANGES + 1))
    victim = live.containers("api")[0]
    async with listening(*sources):
        page.plan = {
            "shop": live.url,
            "token": shop.token,
            "channel": f"items:{shop.item_id}",
            "after": sources[0].last_event_id,
            "most": CHANGES,  # type: ignore[dict-item]  # the page takes any JSON
        }
        reading = asyncio.create_task(run_page(browser, page, tmp_path / "profile", within=240))
        by_program = [int(sources[0].last_event_id)]
        url = f"{live.tls_url.replace('https', 'wss')}/api/v1/ws/program?channel=items:{shop.item_id}"
        headers = {"Authorization": f"Bearer {shop.token}"}
        program = asyncio.create_task(read_socket(url, headers, by_program, CHANGES, UNVERIFIED))
        for price in changes:
            await shop.set_price(price)
            if price == CHANGES // 3:
                await asyncio.to_thread(docker, "kill", "--signal", "KILL", victim)
            await asyncio.sleep(0.1)
        async with asyncio.timeout(60):
            while any(len(prices_told(source)) < CHANGES for source in sources):
                await asyncio.sleep(0.1)
        found = await reading
        async with asyncio.timeout(60):
            await program
    assert sum(len(source.ended) for source in sources) > 0, (
        "some of them heard of it by the one that was killed"
    )
    assert [prices_told(source) for source in sources] == [changes] * len(sources)
    sequences = [event["sequence"] for event in sources[0].events]
    assert by_program[1:] == sequences[:CHANGES]
    for client in ("EventSource", "WebSocket"):
        assert found[client]["seen"] == sequences[:CHANGES]
    docker("start", victim)
    settle(live, SERVERS)


async def test_a_thousand_streams_come_again_at_a_rolling_restart_and_miss_nothing(
    live: Stack, shop: Shop
) -> None:
    sources = [shop.source(live) for _ in range(MANY)]
    async with listening(*sources):
        for container in live.containers("api"):
            await asyncio.to_thread(docker, "restart", "--time", "40", container)
            await asyncio.to_thread(settle, live, SERVERS)
            async with asyncio.timeout(60):
                while not all(source.is_connected for source in sources):
                    await asyncio.sleep(0.1)
        began = time.monotonic()
        await shop.set_price(7)
        async with asyncio.timeout(60):
            while any(prices_told(source) != [7] for source in sources):
                await asyncio.sleep(0.05)
        print(f"{MANY} were told within {time.monotonic() - began:.2f} s")
    away = [
        back - left
        for source in sources
        for left, back in zip(source.ended, source.connected[1:], strict=False)
    ]
    print(
        f"{len(away)} came again, after {sorted(away)[len(away) // 2]:.1f} s in the middle, {max(away):.1f} s at most"
    )
    assert len(away) >= MANY, "each of them lost its server once at least"
