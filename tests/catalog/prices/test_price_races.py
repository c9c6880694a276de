"""Planned prices under concurrency and faults, with real commits."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.catalog.prices.service import apply_schedules
from app.core.clock import utc_now
from app.core.db.transaction import transaction
from tests.catalog.waiting import hold
from tests.conftest import Caller, SignUp

from .conftest import list_pen, prices_of, set_price

ITEMS = 5


class WorkerDied(Exception):
    pass


@pytest.fixture
async def owner(live_sign_up: SignUp) -> Caller:
    return await live_sign_up()


async def plan(
    client: httpx.AsyncClient, who: Caller, path: str, price: float, start: float = 1, end: float = 2
) -> httpx.Response:
    now = utc_now()
    body = {
        "price": price,
        "starts_at": (now + timedelta(hours=start)).isoformat(),
        "ends_at": (now + timedelta(hours=end)).isoformat(),
    }
    return await client.post(f"{path}/price-schedules", json=body, headers=who.headers)


async def run_job(app: FastAPI, hours: float, *, dies: bool = False) -> int:
    """The job as it will run in so many hours; it may die just before its commit."""
    async with transaction(app.state.database, app.state.cache) as session:
        count = await apply_schedules(session, utc_now() + timedelta(hours=hours))
        if dies:
            raise WorkerDied(count)
        return count


async def test_jobs_at_once_apply_each_plan_once(
    live_app: FastAPI, live_client: httpx.AsyncClient, owner: Caller
) -> None:
    pens = [await list_pen(live_client, owner) for _ in range(ITEMS)]
    for pen in pens:
        assert (await plan(live_client, owner, pen, 8)).status_code == 201
        assert (await live_client.get(pen)).json()["price"] == 10
    for hours, price, version in ((1.5, 8, 2), (2.5, 10, 3)):
        counts = await asyncio.gather(*(run_job(live_app, hours) for _ in range(4)))
        # Whoever comes while another holds an item leaves it to the next run.
        assert sum(counts) + await run_job(live_app, hours) == ITEMS
        for pen in pens:
            item = (await live_client.get(pen)).json()
            assert (item["price"], item["version"]) == (price, version)
    for pen in pens:
        assert await prices_of(live_client, pen) == [10, 8, 10]


async def test_of_overlapping_plans_made_at_once_one_is_taken(
    live_client: httpx.AsyncClient, owner: Caller
) -> None:
    pen = await list_pen(live_client, owner)
    answers = await asyncio.gather(*(plan(live_client, owner, pen, 5 + n, 1, 2 + n) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_the_database_itself_refuses_overlapping_plans(
    live_app: FastAPI, live_client: httpx.AsyncClient, owner: Caller
) -> None:
    pen = await list_pen(live_client, owner)
    await plan(live_client, owner, pen, 8)
    async with live_app.state.database.reading() as connection:
        clash = text(
            "INSERT INTO price_schedules (item_id, price, starts_at, ends_at, actor_id)"
            " SELECT item_id, price, starts_at + interval '1 minute', ends_at, actor_id FROM price_schedules"
        )
        with pytest.raises(Exception, match="ex_price_schedules_overlap"):
            await connection.execute(clash)


async def test_a_worker_that_dies_on_the_way_leaves_everything_as_it_was(
    live_app: FastAPI, live_client: httpx.AsyncClient, owner: Caller
) -> None:
    pen = await list_pen(live_client, owner)
    await plan(live_client, owner, pen, 8)
    with pytest.raises(WorkerDied):
        await run_job(live_app, 1.5, dies=True)
    assert await prices_of(live_client, pen) == [10]
    assert await run_job(live_app, 1.5) == 1
    assert await prices_of(live_client, pen) == [8, 10]


async def test_an_edit_and_the_job_at_once_leave_one_story(
    live_app: FastAPI, live_client: httpx.AsyncClient, owner: Caller
) -> None:
    pens = [await list_pen(live_client, owner) for _ in range(ITEMS)]
    for pen in pens:
        await plan(live_client, owner, pen, 8)
    edits = [set_price(live_client, owner, pen, 9) for pen in pens]
    await asyncio.gather(*edits, run_job(live_app, 1.5), run_job(live_app, 1.5))
    await run_job(live_app, 1.5)
    for pen in pens:
        prices = await prices_of(live_client, pen)
        plans = (await live_client.get(f"{pen}/price-schedules", headers=owner.headers)).json()["items"]
        # The plan first, then the edit that overrode it; or the edit first, on which the plan began.
        stories: dict[tuple[float | None, ...], tuple[str, float]] = {
            (9, 8, 10): ("overridden", 10),
            (8, 9, 10): ("active", 9),
        }
        assert (plans[0]["state"], plans[0]["regular_price"]) == stories[tuple(prices)]
        assert (await live_client.get(pen)).json()["price"] == prices[0]


async def test_an_item_that_somebody_holds_is_left_for_the_next_run(
    live_app: FastAPI, live_client: httpx.AsyncClient, owner: Caller
) -> None:
    held, free = [await list_pen(live_client, owner) for _ in range(2)]
    for pen in (held, free):
        await plan(live_client, owner, pen, 8)
    async with live_app.state.database.sessions.begin() as session:
        await hold(session, "items", int(held.rpartition("/")[2]))
        assert await run_job(live_app, 1.5) == 1
        assert await prices_of(live_client, held) == [10]
        assert await prices_of(live_client, free) == [8, 10]
    assert await run_job(live_app, 1.5) == 1


async def test_prices_of_concurrent_edits_are_all_in_the_history_in_order(
    live_client: httpx.AsyncClient, owner: Caller
) -> None:
    pen = await list_pen(live_client, owner)
    await asyncio.gather(*(set_price(live_client, owner, pen, price) for price in (11, 12, 13, 14)))
    prices = await prices_of(live_client, pen)
    assert sorted(price or 0 for price in prices) == [10, 11, 12, 13, 14]
    item = (await live_client.get(pen)).json()
    assert (prices[0], prices[-1], item["version"]) == (item["price"], 10, 5)
