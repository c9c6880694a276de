"""The rules of the hot-read cache, one by one, on a real PostgreSQL and Redis."""

import asyncio
import gc
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.cache.bus import CacheBus
from app.core.cache.hot import EVERYTHING, CacheSpace, Entry, HotCache, Snapshot, invalidate
from app.core.cache.local import AnsweredStamps, LocalTier
from app.core.db.transaction import transaction
from tests.conftest import SignUp

GROUP = "thing:1"
KEY = "/things/1"
ME = "/api/v1/users/me"


@dataclass(frozen=True)
class Thing:
    value: int


THINGS = CacheSpace("thing", lambda thing: b"%d" % thing.value, lambda encoded: Thing(int(encoded)))
Read = Callable[[], Awaitable[Entry[Thing]]]


@pytest.fixture
async def cache(live_app: FastAPI) -> HotCache:
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE things (value int)"))
        await connection.execute(text("INSERT INTO things VALUES (0)"))
    hot: HotCache = live_app.state.cache
    return hot


@pytest.fixture
def read(live_app: FastAPI) -> Read:
    async def read_thing() -> Entry[Thing]:
        async with live_app.state.database.reading() as connection:
            row = (
                await connection.execute(
                    text("SELECT value, pg_current_snapshot()::text AS snapshot FROM things")
                )
            ).one()
        return Entry(Thing(row.value), Snapshot(row.snapshot))

    return read_thing


async def write(app: FastAPI, group: str = GROUP) -> None:
    async with transaction(app.state.database, app.state.cache) as session:
        await session.execute(text("UPDATE things SET value = value + 1"))
        invalidate(session, group)


async def test_a_second_read_is_answered_locally(cache: HotCache, read: Read) -> None:
    first = await cache.get(THINGS, GROUP, KEY, read)
    assert cache.peek(THINGS, KEY) is first
    assert await cache.get(THINGS, GROUP, KEY, read) is first


@pytest.mark.parametrize("group", [GROUP, EVERYTHING])
async def test_a_write_drops_the_entry_at_once(
    live_app: FastAPI, cache: HotCache, read: Read, group: str
) -> None:
    await cache.get(THINGS, GROUP, KEY, read)
    await write(live_app, group)
    assert cache.peek(THINGS, KEY) is None
    assert (await cache.get(THINGS, GROUP, KEY, read)).value == 1


async def test_a_racing_cold_read_cannot_put_an_old_version_back(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    has_read, may_return = asyncio.Event(), asyncio.Event()

    async def slow_read() -> Entry[Thing]:
        entry = await read()
        has_read.set()
        await may_return.wait()
        return entry

    racing = asyncio.create_task(cache.get(THINGS, GROUP, KEY, slow_read))
    await has_read.wait()
    await write(live_app)
    joining = asyncio.create_task(cache.get(THINGS, GROUP, KEY, read))
    await asyncio.sleep(0)
    may_return.set()
    assert (await racing).value == 0, "it was asked before the write"
    assert (await joining).value == 1, "it was asked after the write"
    assert (await cache.get(THINGS, GROUP, KEY, read)).value == 1


async def test_an_old_read_is_not_answered_after_a_newer_one(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    """Nobody announced this write: only the order of the snapshots tells."""
    old = await read()
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text("UPDATE things SET value = value + 1"))
    cache.connection_changed()
    assert (await cache.get(THINGS, GROUP, KEY, read)).value == 1
    cache.connection_changed()
    answers = iter([old])

    async def read_old_first() -> Entry[Thing]:
        return next(answers, None) or await read()

    await live_app.state.redis.flushdb()
    assert (await cache.get(THINGS, GROUP, KEY, read_old_first)).value == 1


async def test_an_announced_transaction_that_is_rolled_back_costs_nothing(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    async with live_app.state.database.engine.connect() as connection:
        xid = int((await connection.execute(text("SELECT pg_current_xact_id()::text"))).scalar_one())
        await cache.announce({GROUP}, xid)
        await cache.get(THINGS, GROUP, KEY, read)
        assert cache.peek(THINGS, KEY) is None, "the transaction may still commit"
        await connection.rollback()
    await cache.get(THINGS, GROUP, KEY, read)
    assert cache.peek(THINGS, KEY) is not None


async def test_twenty_cold_reads_at_once_ask_the_database_once(cache: HotCache, read: Read) -> None:
    asked = 0

    async def counting_read() -> Entry[Thing]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return await read()

    entries = await asyncio.gather(*(cache.get(THINGS, GROUP, KEY, counting_read) for _ in range(20)))
    assert asked == 1
    assert len({id(entry) for entry in entries}) == 1


async def test_a_failed_read_fails_its_caller_alone(cache: HotCache, read: Read) -> None:
    async def failing_read() -> Entry[Thing]:
        await asyncio.sleep(0.05)
        raise LookupError

    failing = asyncio.create_task(cache.get(THINGS, GROUP, KEY, failing_read))
    await asyncio.sleep(0.01)
    joining = asyncio.create_task(cache.get(THINGS, GROUP, KEY, read))
    with pytest.raises(LookupError):
        await failing
    assert (await joining).value == 0


async def test_the_shared_tier_serves_a_worker_that_forgot(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    first = await cache.get(THINGS, GROUP, KEY, read)
    async with asyncio.timeout(30):
        while not [key async for key in live_app.state.redis.scan_iter("bookstore:cache:*:thing:1")]:
            await asyncio.sleep(0.01)
    cache.connection_changed()

    async def never() -> Entry[Thing]:
        raise AssertionError("Redis has it")

    again = await cache.get(THINGS, GROUP, KEY, never)
    assert again == first
    assert again is not first


async def test_sessions_keys_and_accounts_pass_through_the_shared_tier(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    cache: HotCache = live_app.state.cache
    caller = await live_sign_up()
    key = {"name": "k", "scopes": ["items:write"]}
    made = (await live_client.post("/api/v1/api-keys", json=key, headers=caller.headers)).json()
    both = (caller.headers, {"X-API-Key": made["api_key"]})
    first = [await live_client.get(ME, headers=headers) for headers in both]
    may = [(await live_client.get(f"{ME}/permissions", headers=headers)).json() for headers in both]
    redis = live_app.state.redis
    mine = f"bookstore:cache:*:user:{caller.id}"
    async with asyncio.timeout(30):
        while [await redis.hlen(key) async for key in redis.scan_iter(mine)] != [4]:
            await asyncio.sleep(0.01)
    cache.connection_changed()
    read, shared = cache.counters.database, cache.counters.shared
    again = [await live_client.get(ME, headers=headers) for headers in both]
    assert [answer.content for answer in again] == [answer.content for answer in first]
    assert [answer.headers["etag"] for answer in again] == [answer.headers["etag"] for answer in first]
    assert [(await live_client.get(f"{ME}/permissions", headers=headers)).json() for headers in both] == may
    assert (cache.counters.database, cache.counters.shared) == (read, shared + 4)


def encoded(entry: Entry[Thing]) -> Entry[bytes]:
    return Entry(THINGS.encode(entry.value), entry.snapshot)


async def test_the_shared_tier_refuses_what_it_knows_to_be_old(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    old = encoded(await read())
    await write(live_app)
    bus = cache._bus  # noqa: SLF001 (a worker that missed the announcement would call it like this)
    bus.offer(GROUP, KEY, old)
    await bus.store_offered()
    assert await bus.fetch(GROUP, KEY) is None
    new = encoded(await read())
    bus.offer(GROUP, KEY, new)
    await bus.store_offered()
    bus.offer(GROUP, KEY, old)
    await bus.store_offered()
    found = await bus.fetch(GROUP, KEY)
    assert found is not None
    assert found.value == new.value


def test_snapshots_know_what_they_see() -> None:
    snapshot = Snapshot("10:15:10,12")
    assert [xid for xid in range(8, 18) if snapshot.sees(xid)] == [8, 9, 11, 13, 14]
    assert snapshot.stamp == 13


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 50)), max_size=200))
def test_answers_never_go_back_in_time(asked: list[tuple[str, int]]) -> None:
    stamps = AnsweredStamps()
    newest: dict[str, int] = {}
    for key, stamp in asked:
        assert stamps.admit(key, stamp) is (stamp >= newest.get(key, 0))
        newest[key] = max(stamp, newest.get(key, 0))


def test_the_local_tier_stays_within_its_bytes_and_drops_the_least_recently_used() -> None:
    tier = LocalTier(max_bytes=6_179, ttl=60)
    entries = {key: Entry(Thing(1), Snapshot("1:1:")) for key in ("a", "b", "c", "d")}
    for key in ("a", "b"):
        tier.put("g", key, entries[key], 11)
    assert tier.get("a") is entries["a"]
    tier.put("g", "c", entries["c"], 11)
    assert (tier.get("b"), tier.get("a"), tier.get("c")) == (None, entries["a"], entries["c"])
    assert tier.bytes <= 6_179
    tier.drop_group("g")
    assert (len(tier), tier.bytes) == (0, 0)


def test_no_key_of_one_space_is_a_key_of_another() -> None:
    # The application's are frozen by the fixture that makes it.
    gc.unfreeze()
    names = [space.name for space in gc.get_objects() if isinstance(space, CacheSpace)]
    assert len(names) >= 4
    assert len(set(names)) == len(names)
    # A number behind the name tells versions of an encoding apart while old and new workers share Redis.
    assert all(re.fullmatch(r"[a-z_]+(\.\d+)?", name) for name in names)


async def test_the_bus_connects_whatever_came_first(app: FastAPI) -> None:
    """As redis-py's KeyError of a cluster whose slots it does not know yet, or a PostgreSQL that is starting."""
    tries = []

    async def identify() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise KeyError(5288)
        return "a database"

    cache = HotCache(CacheBus(app.state.redis, identify, 60), app.state.settings.cache)
    cache.start()
    async with asyncio.timeout(30):
        while not cache.is_connected:
            await asyncio.sleep(0.01)
    await cache.stop()
    assert len(tries) > 1
