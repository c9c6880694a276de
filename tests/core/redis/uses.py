"""What the application does with Redis, one use after the other, in two API workers and a worker of the queue."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.errors import RateLimited
from app.core.events.events import publish
from app.core.events.stream import queue_depth
from app.core.rate_limit import RateLimiter
from app.core.settings.settings import Settings
from app.sales.orders.events import OrderCreated
from app.sales.orders.handlers import STREAM
from app.worker import Worker
from devstack import Servers
from tests.conftest import Caller, client_of, make_account, running_app, settings_for
from tests.factories import BOOKS, a_book
from tests.identity.sessions.calls import AUTH, bearer, status_of_me, tokens_of
from tests.worker.conftest import until

GENERAL, SCARCE = 20, 3


@dataclass
class Shop:
    """Two API workers, each with a client, and somebody who sells."""

    one: FastAPI
    two: FastAPI
    first: httpx.AsyncClient
    second: httpx.AsyncClient
    seller: Caller
    sold: int = 0


def shop_settings(servers: Servers, database_url: str, mails: Path, **redis: object) -> Settings:
    """The settings of a shop with this Redis, and with limits that a test can reach."""
    return settings_for(
        servers,
        database_url,
        environment="testing",
        redis=redis,
        mail={"url": mails.as_uri()},
        worker={"lease": 2, "attempts": 50},
        # Where nobody calls by HTTP, so that only what a test counts is counted.
        rate_limit={
            "factor": 1,
            "suggest": f"{GENERAL}/hour",
            "gift_card": f"{SCARCE}/hour",
            "login": "99/minute",
        },
    )


@asynccontextmanager
async def open_shop(settings: Settings) -> AsyncIterator[Shop]:
    """The shop while it is open, its queue worked off."""
    worker = Worker(settings)
    working = asyncio.create_task(worker.run(is_scheduling=False))
    async with contextlib.AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(running_app(settings)) for _ in range(2)]
        first, second = [await stack.enter_async_context(client_of(app)) for app in (one, two)]
        async with one.state.database.sessions.begin() as session:
            seller = await make_account(one, session)
        try:
            yield Shop(one, two, first, second, seller)
        finally:
            worker.stop()
            await working


async def use_everything(shop: Shop, client: str = "somebody") -> None:
    """Each use fails where Redis does not play its part, even where requests would be answered all the same."""
    assert (await shop.first.get("/health/ready")).status_code == 200
    await share_the_cache(shop)
    await end_a_session_everywhere(shop)
    await listen_by_ticket(shop)
    await count_exactly(shop, client)
    await count_in_general(shop, client)
    await work_off_an_order(shop)


async def share_the_cache(shop: Shop) -> None:
    """A change is seen by the other at once, and what one has read the other need not read."""
    book = await a_book(shop.first, shop.seller)
    path = f"{BOOKS}/{book['id']}"
    assert (await shop.second.get(path)).json()["price"] == 10
    changed = await shop.first.patch(path, json={"price": 11}, headers=shop.seller.headers)
    assert changed.status_code == 200, changed.text
    await until(lambda: shows(shop.second, path, 11))
    before = shop.two.state.cache.counters.shared

    async def is_taken_over() -> bool:
        await shop.first.get(path)
        shop.two.state.cache.connection_changed()
        await shop.second.get(path)
        return bool(shop.two.state.cache.counters.shared > before)

    await until(is_taken_over)


async def shows(client: httpx.AsyncClient, path: str, price: int) -> bool:
    return bool((await client.get(path)).json()["price"] == price)


async def end_a_session_everywhere(shop: Shop) -> None:
    """Who logs out here is out there, where the session was known a moment ago."""
    token = (await tokens_of(shop.first, shop.seller.username))["access_token"]
    for _ in range(2):
        assert await status_of_me(shop.second, token) == 200
    ended = await shop.first.post(f"{AUTH}/logout", headers=bearer(token))
    assert ended.status_code in {200, 204}, ended.text

    async def is_out() -> bool:
        return await status_of_me(shop.second, token) == 401

    # Far less than the minute for which it would be kept.
    await until(is_out, within=10)


async def listen_by_ticket(shop: Shop) -> None:
    """A ticket opens one stream, which is counted until it ends, here with its session. Who is dead holds no place."""
    token = (await tokens_of(shop.first, shop.seller.username))["access_token"]
    asked = await shop.first.post(f"{AUTH}/stream-tickets", headers=bearer(token))
    assert asked.status_code == 200, asked.text
    ticket = {"ticket": asked.json()["ticket"]}
    redis, places = shop.one.state.redis, f"bookstore:streams:{shop.seller.id}"
    await redis.zadd(places, {f"killed:{number}": sys.float_info.max for number in range(5)})
    stream = asyncio.create_task(shop.second.get("/api/v1/events/stream", params=ticket))

    async def is_counted() -> bool:
        return bool(await redis.zcard(places) == 1)

    await until(is_counted)
    ended = await shop.first.post(f"{AUTH}/logout", headers=bearer(token))
    assert ended.status_code in {200, 204}, ended.text
    told = await stream
    assert "session-ended" in told.text
    again = await shop.second.get("/api/v1/events/stream", params=ticket)
    assert again.status_code == 401

    async def is_given_back() -> bool:
        return not await redis.zcard(places)

    await until(is_given_back)


async def count_exactly(shop: Shop, client: str) -> None:
    """A scarce limit is one limit for all workers; what is given back may be taken again."""
    limiters: list[RateLimiter] = [shop.one.state.rate_limiter, shop.two.state.rate_limiter]
    for number in range(SCARCE):
        await limiters[number % 2].check("gift_card", client)
    for limiter in limiters:
        with pytest.raises(RateLimited):
            await limiter.check("gift_card", client)
    await limiters[0].give_back("gift_card", client)
    await limiters[1].check("gift_card", client)


async def count_in_general(shop: Shop, client: str) -> None:
    """What one worker counted refuses in the other, once they have settled."""
    for _ in range(GENERAL):
        await shop.one.state.rate_limiter.take("suggest", client)

    async def is_refused() -> bool:
        try:
            await shop.two.state.rate_limiter.take("suggest", client)
        except RateLimited:
            return True
        return False

    tries = 0
    async with asyncio.timeout(30):
        while not await is_refused():
            tries += 1
            await asyncio.sleep(0.3)
    assert tries < GENERAL, "the other worker's requests count"


async def work_off_an_order(shop: Shop) -> None:
    """An event goes through the queue and into the stream that other systems read."""
    shop.sold += 1
    order = OrderCreated(shop.sold, f"ORD-{shop.sold}", "33.14", "EUR", user_id=shop.seller.id)
    before = await shop.one.state.redis.xlen(STREAM)
    async with shop.one.state.database.sessions.begin() as session:
        await publish(session, order)

    async def is_done() -> bool:
        async with shop.one.state.database.reading() as connection:
            waiting = await connection.scalar(
                text("SELECT count(*) FROM outbox_events WHERE done_at IS NULL")
            )
        return waiting == 0 and await queue_depth(shop.one.state.redis, shop.one.state.database) == 0

    await until(is_done)
    assert await shop.one.state.redis.xlen(STREAM) >= before + 1
