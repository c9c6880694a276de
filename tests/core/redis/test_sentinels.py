"""A primary that a Sentinel watches: it is found by its name, and so is the one that takes its place."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.window_counts import PAUSE
from devstack import Servers
from tests.factories import BOOKS, a_book
from tests.worker.conftest import until

from .servers import HOST, RedisServer, running
from .uses import Shop, open_shop, shop_settings, use_everything

PASSWORD, WATCHER = "b1946ac92492d2347c6235b4d2611184", "591785b794601e212b260e25925636fd"
NAME = "bookstore-redis"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica's Sentinel."""
    login = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
    primary = RedisServer(tmp_path / "primary", login, password=PASSWORD)
    replica = RedisServer(
        tmp_path / "replica", (*login, "--replicaof", f"{HOST} {primary.port}"), password=PASSWORD
    )
    orders = tmp_path / "sentinel.conf"
    orders.write_text(
        f"sentinel monitor {NAME} {HOST} {primary.port} 1\n"
        f"sentinel auth-pass {NAME} {PASSWORD}\n"
        f"sentinel down-after-milliseconds {NAME} 1000\n"
        f"sentinel failover-timeout {NAME} 3000\n"
        f"requirepass {WATCHER}\n"
    )
    sentinel = RedisServer(tmp_path / "sentinel", (str(orders), "--sentinel"), password=WATCHER)
    with running(primary, replica, sentinel):
        yield primary, sentinel


async def is_ready_for_failover(sentinel: RedisServer) -> bool:
    with sentinel.admin as admin:
        known = admin.sentinel_slaves(NAME)
        return [each["master-link-status"] for each in known] == ["ok"]


async def test_the_shop_goes_on_with_the_replica_when_the_primary_dies(
    watched: tuple[RedisServer, RedisServer], servers: Servers, empty_database_url: str, tmp_path: Path
) -> None:
    primary, sentinel = watched
    url = f"redis+sentinel://:{PASSWORD}@{HOST}:1,{HOST}:{sentinel.port}/{NAME}/0?sentinel_password={WATCHER}"
    await until(lambda: is_ready_for_failover(sentinel))
    settings = shop_settings(servers, empty_database_url, tmp_path / "mails", url=url)
    async with open_shop(settings) as shop:
        await use_everything(shop)
        book = await a_book(shop.first, shop.seller)
        primary.kill()
        await read_and_write_until_connected(shop, f"{BOOKS}/{book['id']}")
        # A worker that met a fault counts by itself for so long.
        await asyncio.sleep(PAUSE)
        await use_everything(shop, "somebody else")


async def read_and_write_until_connected(shop: Shop, path: str) -> None:
    """Every request is answered, and with what was written last, while Redis is away and while it comes back."""
    price, away = 10, False
    async with asyncio.timeout(60):
        while not (away and shop.one.state.cache.is_connected and shop.two.state.cache.is_connected):
            away = away or not shop.one.state.cache.is_connected
            price += 1
            changed = await shop.first.patch(path, json={"price": price}, headers=shop.seller.headers)
            assert changed.status_code == 200, changed.text
            for client in (shop.first, shop.second):
                assert (await client.get(path)).json()["price"] == price
            await asyncio.sleep(0.1)
