"""Redis without memory left, and Redis that evicts what it should keep."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from redis.exceptions import OutOfMemoryError
from sqlalchemy import text

from app.core.db.faults import Fault
from app.core.errors import RateLimited
from app.core.events.events import publish
from app.core.redis import explain_fault, find_wrong_policies, make_cache_redis, make_redis
from app.core.settings.redis import RedisSettings
from app.sales.orders.events import OrderCreated
from devstack import Servers
from tests.factories import BOOKS, a_book
from tests.worker.conftest import until

from .servers import HOST, RedisServer, running
from .uses import SCARCE, Shop, end_a_session_everywhere, open_shop, shop_settings, shows, work_off_an_order

WAITING = "SELECT count(*) FROM outbox_events WHERE done_at IS NULL AND type = 'order.created'"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that refuses writes when it is full, which it soon is."""
    server = RedisServer(tmp_path / "small", ("--maxmemory", "8mb", "--maxmemory-policy", "noeviction"))
    with running(server):
        yield server


def fill(server: RedisServer) -> OutOfMemoryError:
    """Use its memory up; what it says then."""
    with server.admin as admin:
        for number in itertools.count():
            try:
                admin.set(f"filler:{number}", "x" * 100_000 if number < 200 else "x")
            except OutOfMemoryError as fault:
                if number >= 200:
                    return fault
    raise AssertionError


async def test_without_memory_left_requests_go_on_changes_are_told_and_events_wait(
    small: RedisServer, servers: Servers, empty_database_url: str, tmp_path: Path
) -> None:
    url = f"redis://{HOST}:{small.port}/0"
    settings = shop_settings(servers, empty_database_url, tmp_path / "mails", url=url)
    async with open_shop(settings) as shop:
        await work_off_an_order(shop)
        path = f"{BOOKS}/{(await a_book(shop.first, shop.seller))['id']}"
        assert await shows(shop.second, path, 10)
        fill(small)
        # As if nothing were: what was kept is dropped everywhere at once.
        changed = await shop.first.patch(path, json={"price": 11}, headers=shop.seller.headers)
        assert changed.status_code == 200, changed.text
        await until(lambda: shows(shop.second, path, 11), within=10)
        await end_a_session_everywhere(shop)
        await limits_hold_in_each_worker(shop)
        await an_order_waits(shop, small)


async def limits_hold_in_each_worker(shop: Shop) -> None:
    # One each: what little Redis takes now and then would count for both.
    for app, guesser in ((shop.one, "a guesser"), (shop.two, "another")):
        for _ in range(SCARCE):
            await app.state.rate_limiter.check("gift_card", guesser)
        with pytest.raises(RateLimited):
            await app.state.rate_limiter.check("gift_card", guesser)


async def an_order_waits(shop: Shop, small: RedisServer) -> None:
    database = shop.one.state.database
    async with database.sessions.begin() as session:
        await publish(session, OrderCreated(99, "ORD-99", "33.14", "EUR", user_id=shop.seller.id))
    async with database.reading() as connection:
        assert await connection.scalar(text(WAITING)) == 1
    with small.admin as admin:
        admin.delete(*admin.keys("filler:*"))
    await work_off_an_order(shop)


def test_what_a_full_redis_says_is_no_fault_of_ours(small: RedisServer) -> None:
    fault = fill(small)
    assert Fault.of(fault) is Fault.UNAVAILABLE
    assert str(explain_fault(fault)).startswith("Redis has no memory left (")


@pytest.mark.parametrize(
    ("durable", "cache", "complaints"),
    [
        ("noeviction", "allkeys-lru", ()),
        ("noeviction", "volatile-ttl", ()),
        ("allkeys-lru", "allkeys-lru", ("REDIS_URL",)),
        ("volatile-lru", "noeviction", ("REDIS_URL", "REDIS_CACHE_URL")),
    ],
)
async def test_a_policy_that_loses_the_queue_or_clogs_the_cache_is_told_at_start(
    tmp_path: Path,
    durable: str,
    cache: str,
    complaints: tuple[str, ...],
) -> None:
    ours = [
        RedisServer(tmp_path / str(number), ("--maxmemory", "8mb", "--maxmemory-policy", policy))
        for number, policy in enumerate((durable, cache))
    ]
    urls = [SecretStr(f"redis://{HOST}:{server.port}/0") for server in ours]
    settings = RedisSettings(url=urls[0], cache_url=urls[1])
    with running(*ours):
        redis = make_redis(settings)
        other = make_cache_redis(settings, redis)
        found = await find_wrong_policies(settings, redis, other)
        await other.aclose()
        await redis.aclose()
    assert [line.split()[3] for line in found] == list(complaints)
