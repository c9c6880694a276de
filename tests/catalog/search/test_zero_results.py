"""Searches that find nothing are counted, and nothing that goes wrong there harms the search."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search.zero_results import jobs
from app.catalog.search.zero_results.jobs import KEEP, forget_old_zero_results
from app.core.clock import utc_now
from app.identity.permissions import Role
from devstack import Servers
from tests.catalog.search.shelf import search, titles
from tests.conftest import Caller, SignUp
from tests.factories import a_book

MISSES = "/api/v1/admin/search/zero-results"


async def misses(client: httpx.AsyncClient, staff: Caller, query: str = "") -> list[tuple[str, int]]:
    answer = await client.get(MISSES + query, headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return [(one["query"], one["count"]) for one in answer.json()["items"]]


async def test_searches_without_result_are_counted_as_they_are_compared(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await a_book(client, seller, "The Hobbit")
    for q in ("Ünobtainium!", "unobtainium", "nec  ronomicon", "UNOBTAINIUM", "hobbit", "!!!", "hobit"):
        await search(client, q)
    assert await misses(client, moderator) == [("unobtainium", 3), ("nec ronomicon", 1)]
    assert await misses(client, moderator, "?sort=count") == [("nec ronomicon", 1), ("unobtainium", 3)]


async def test_a_search_of_a_part_or_of_a_later_page_is_not_counted(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    await search(client, "unobtainium", language="en")
    await search(client, "unobtainium", skip=20)
    assert await misses(client, moderator) == []


async def test_staff_clear_an_entry(client: httpx.AsyncClient, moderator: Caller) -> None:
    await search(client, "unobtainium")
    entry = (await client.get(MISSES, headers=moderator.headers)).json()["items"][0]
    path = f"{MISSES}/{entry['id']}"
    assert (await client.delete(path, headers=moderator.headers)).status_code == 204
    assert await misses(client, moderator) == []
    assert (await client.delete(path, headers=moderator.headers)).status_code == 404


async def test_readers_do_not_see_what_others_searched_for(client: httpx.AsyncClient, seller: Caller) -> None:
    assert (await client.get(MISSES)).status_code == 401
    assert (await client.get(MISSES, headers=seller.headers)).status_code == 403


async def test_what_nobody_searches_for_any_more_is_forgotten(
    client: httpx.AsyncClient, moderator: Caller, session: AsyncSession
) -> None:
    await search(client, "unobtainium")
    await search(client, "necronomicon")
    long_ago = utc_now() - KEEP - timedelta(minutes=1)
    old = text("UPDATE search_misses SET last_at = :at WHERE query = 'unobtainium'")
    await session.execute(old, {"at": long_ago})
    assert await forget_old_zero_results(session) == 1
    assert await misses(client, moderator) == [("necronomicon", 1)]


async def test_of_very_many_the_most_frequent_and_latest_are_kept(
    client: httpx.AsyncClient, moderator: Caller, session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "MOST_KEPT", 2)
    for q in ("unobtainium", "madeup one", "madeup two", "unobtainium", "madeup three"):
        await search(client, q)
    # What one transaction counts has one time.
    later = text("UPDATE search_misses SET last_at = last_at + interval '1s' WHERE query = 'madeup two'")
    await session.execute(later)
    assert await forget_old_zero_results(session) == 2
    assert await misses(client, moderator) == [("unobtainium", 2), ("madeup two", 1)]


async def test_a_count_that_cannot_be_written_does_not_harm_the_search(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    moderator = await live_sign_up(Role.MODERATOR)
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(text("ALTER TABLE search_misses RENAME TO elsewhere"))
    assert await titles(live_client, "unobtainium") == []
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(text("ALTER TABLE elsewhere RENAME TO search_misses"))
    assert await misses(live_client, moderator) == []


async def test_many_at_once_are_all_counted(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    moderator = await live_sign_up(Role.MODERATOR)
    await asyncio.gather(*(titles(live_client, "unobtainium") for _ in range(8)))
    assert await misses(live_client, moderator) == [("unobtainium", 8)]


async def test_without_redis_searches_are_answered_and_counted_by_the_worker_itself(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    await a_book(live_client, seller, "The Hobbit")
    servers.redis.stop()
    try:
        while live_app.state.cache.is_connected:
            await asyncio.sleep(0.01)
        assert await titles(live_client, "hobit") == ["The Hobbit"]
        answer = await live_client.get("/api/v1/search", params={"q": "hobbit"})
        assert "ratelimit" in answer.headers
    finally:
        servers.redis.start()
    async with asyncio.timeout(30):
        while not live_app.state.cache.is_connected:
            await asyncio.sleep(0.01)
