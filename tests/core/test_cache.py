"""The rules of the hot-read cache, one by one, on a real PostgreSQL and Redis."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.cache.hot import EVERYTHING, Entry, HotCache, Snapshot, invalidate
from app.core.cache.local import AnsweredStamps, LocalTier
from app.core.db.transaction import transaction
from app.core.http.responses import PUBLIC, ReadResult, make_entry
from app.core.http.schemas import ResponseModel

GROUP = "thing:1"
KEY = "/things/1"


class Thing(ResponseModel):
    value: int


Read = Callable[[], Awaitable[Entry]]


@pytest.fixture
async def cache(live_app: FastAPI) -> HotCache:
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text("CREATE TABLE things (value int)"))
        await connection.execute(text("INSERT INTO things VALUES (0)"))
    hot: HotCache = live_app.state.cache
    return hot


@pytest.fixture
def read(live_app: FastAPI) -> Read:
    async def read_thing() -> Entry:
        async with live_app.state.database.reading() as connection:
            row = (
                await connection.execute(
                    text("SELECT value, pg_current_snapshot()::text AS snapshot FROM things")
                )
            ).one()
        return make_entry(ReadResult(Thing(value=row.value), row.snapshot), cache_control=PUBLIC)

    return read_thing


async def write(app: FastAPI, group: str = GROUP) -> None:
    async with transaction(app.state.database, app.state.cache) as session:
        await session.execute(text("UPDATE things SET value = value + 1"))
        invalidate(session, group)


def value_of(entry: Entry) -> int:
    return Thing.model_validate_json(entry.body).value


async def test_a_second_read_is_answered_locally(cache: HotCache, read: Read) -> None:
    first = await cache.get(GROUP, KEY, read)
    assert cache.peek(KEY) is first
    assert await cache.get(GROUP, KEY, read) is first


@pytest.mark.parametrize("group", [GROUP, EVERYTHING])
async def test_a_write_drops_the_entry_at_once(
    live_app: FastAPI, cache: HotCache, read: Read, group: str
) -> None:
    await cache.get(GROUP, KEY, read)
    await write(live_app, group)
    assert cache.peek(KEY) is None
    assert value_of(await cache.get(GROUP, KEY, read)) == 1


async def test_a_racing_cold_read_cannot_put_an_old_version_back(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    has_read, may_return = asyncio.Event(), asyncio.Event()

    async def slow_read() -> Entry:
        entry = await read()
        has_read.set()
        await may_return.wait()
        return entry

    racing = asyncio.create_task(cache.get(GROUP, KEY, slow_read))
    await has_read.wait()
    await write(live_app)
    joining = asyncio.create_task(cache.get(GROUP, KEY, read))
    await asyncio.sleep(0)
    may_return.set()
    assert value_of(await racing) == 0, "it was asked before the write"
    assert value_of(await joining) == 1, "it was asked after the write"
    assert value_of(await cache.get(GROUP, KEY, read)) == 1


async def test_an_old_read_is_not_answered_after_a_newer_one(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    """Nobody announced this write: only the order of the snapshots tells."""
    old = await read()
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text("UPDATE things SET value = value + 1"))
    cache.connection_changed()
    assert value_of(await cache.get(GROUP, KEY, read)) == 1
    cache.connection_changed()
    answers = iter([old])

    async def read_old_first() -> Entry:
        return next(answers, None) or await read()

    await live_app.state.redis.flushdb()
    assert value_of(await cache.get(GROUP, KEY, read_old_first)) == 1


async def test_an_announced_transaction_that_is_rolled_back_costs_nothing(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    async with live_app.state.database.engine.connect() as connection:
        xid = int((await connection.execute(text("SELECT pg_current_xact_id()::text"))).scalar_one())
        await cache.announce({GROUP}, xid)
        await cache.get(GROUP, KEY, read)
        assert cache.peek(KEY) is None, "the transaction may still commit"
        await connection.rollback()
    await cache.get(GROUP, KEY, read)
    assert cache.peek(KEY) is not None


async def test_twenty_cold_reads_at_once_ask_the_database_once(cache: HotCache, read: Read) -> None:
    asked = 0

    async def counting_read() -> Entry:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return await read()

    entries = await asyncio.gather(*(cache.get(GROUP, KEY, counting_read) for _ in range(20)))
    assert asked == 1
    assert len({id(entry) for entry in entries}) == 1


async def test_a_failed_read_fails_its_caller_alone(cache: HotCache, read: Read) -> None:
    async def failing_read() -> Entry:
        await asyncio.sleep(0.05)
        raise LookupError

    failing = asyncio.create_task(cache.get(GROUP, KEY, failing_read))
    await asyncio.sleep(0.01)
    joining = asyncio.create_task(cache.get(GROUP, KEY, read))
    with pytest.raises(LookupError):
        await failing
    assert value_of(await joining) == 0


async def test_the_shared_tier_serves_a_worker_that_forgot(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    first = await cache.get(GROUP, KEY, read)
    while not [key async for key in live_app.state.redis.scan_iter("bookstore:cache:*:thing:1")]:
        await asyncio.sleep(0.01)
    cache.connection_changed()

    async def never() -> Entry:
        raise AssertionError("Redis has it")

    again = await cache.get(GROUP, KEY, never)
    assert (again.body, again.etag, again.headers) == (first.body, first.etag, first.headers)


async def test_the_shared_tier_refuses_what_it_knows_to_be_old(
    live_app: FastAPI, cache: HotCache, read: Read
) -> None:
    old = await read()
    await write(live_app)
    bus = cache._bus  # noqa: SLF001 (a worker that missed the announcement would call it like this)
    bus.offer(GROUP, KEY, old)
    await bus.store_offered()
    assert await bus.fetch(GROUP, KEY) is None
    new = await read()
    bus.offer(GROUP, KEY, new)
    await bus.store_offered()
    bus.offer(GROUP, KEY, old)
    await bus.store_offered()
    found = await bus.fetch(GROUP, KEY)
    assert found is not None
    assert found.body == new.body


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
    entries = {
        key: make_entry(ReadResult(Thing(value=1), "1:1:"), cache_control=PUBLIC)
        for key in ("a", "b", "c", "d")
    }
    for key in ("a", "b"):
        tier.put("g", key, entries[key])
    assert tier.get("a") is entries["a"]
    tier.put("g", "c", entries["c"])
    assert (tier.get("b"), tier.get("a"), tier.get("c")) == (None, entries["a"], entries["c"])
    assert tier.bytes <= 6_179
    tier.drop_group("g")
    assert (len(tier), tier.bytes) == (0, 0)
