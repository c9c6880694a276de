"""Prices that are planned begin and end by themselves."""

from datetime import datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI

from app.core.clock import utc_now
from tests.conftest import Caller

from .conftest import (
    Age,
    in_hours,
    list_pen,
    look,
    plan,
    planned,
    price_as_of,
    prices_of,
    run_job,
    set_price,
    state_of,
)


async def test_a_planned_price_begins_and_ends(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    schedule = await planned(client, seller, pen, 1, 2)
    assert await run_job(app) == 0
    assert await look(client, pen) == (10, None, 1)
    etag = (await client.get(pen)).headers["etag"]
    await age(timedelta(minutes=61))
    assert await run_job(app) == 1
    assert await look(client, pen) == (8, 10, 2)
    assert await state_of(client, seller, schedule) == ("active", 10)
    assert (await client.get(pen, headers={"If-None-Match": etag})).status_code == 200
    assert await run_job(app) == 0
    await age(timedelta(hours=1))
    assert await run_job(app) == 1
    assert await look(client, pen) == (10, None, 3)
    assert await state_of(client, seller, schedule) == ("ended", 10)
    assert await run_job(app) == 0
    assert await prices_of(client, pen) == [10, 8, 10]
    changes = (await client.get(f"{pen}/price-changes", headers=seller.headers)).json()["items"]
    assert [(each["source"], each["changed_by"]["id"]) for each in changes] == [
        ("schedule", seller.id),
        ("schedule", seller.id),
        ("initial", seller.id),
    ]


@pytest.mark.parametrize("hours", [(None, 1), (-5, 1)])
async def test_what_begins_now_holds_at_once(
    client: httpx.AsyncClient, seller: Caller, pen: str, hours: tuple[float | None, float]
) -> None:
    schedule = await planned(client, seller, pen, *hours, price=7)
    assert (await look(client, pen))[:2] == (7, 10)
    assert await state_of(client, seller, schedule) == ("active", 10)
    starts_at = (await client.get(schedule, headers=seller.headers)).json()["starts_at"]
    assert datetime.fromisoformat(starts_at) > utc_now() - timedelta(hours=4)
    assert (await client.delete(schedule, headers=seller.headers)).status_code == 204
    assert (await look(client, pen))[:2] == (10, None)
    assert (await client.get(schedule, headers=seller.headers)).status_code == 404


async def test_a_price_without_an_end_is_a_lasting_change(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    raise_ = await planned(client, seller, pen, 1, price=12)
    sale = await planned(client, seller, pen, 2, 3, price=9)
    await age(timedelta(minutes=61))
    await run_job(app)
    assert await look(client, pen) == (12, None, 2)
    assert (await state_of(client, seller, raise_))[0] == "ended"
    await age(timedelta(hours=1))
    await run_job(app)
    assert (await look(client, pen))[0] == 9
    assert await state_of(client, seller, sale) == ("active", 12)
    await age(timedelta(hours=1))
    await run_job(app)
    assert (await look(client, pen))[0] == 12


async def test_one_plan_after_the_other_changes_the_price_once(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    times = [in_hours(hour) for hour in (1, 2, 3)]
    for price, start, end in ((8, times[0], times[1]), (7, times[1], times[2])):
        body = {"price": price, "starts_at": start, "ends_at": end}
        made = await client.post(f"{pen}/price-schedules", json=body, headers=seller.headers)
        assert made.status_code == 201, made.text
    for lowest in ((8, 10), (7, 10), (10, None)):
        await age(timedelta(minutes=61))
        await run_job(app)
        assert (await look(client, pen))[:2] == lowest
    assert await prices_of(client, pen) == [10, 7, 8, 10]


async def test_a_plan_that_began_and_ended_while_nothing_ran_is_missed(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    missed = await planned(client, seller, pen, 1, 2)
    lasting = await planned(client, seller, pen, 3, price=11)
    under_way = await planned(client, seller, pen, 4, 20, price=6)
    await age(timedelta(hours=5))
    assert await run_job(app) == 1
    assert (await state_of(client, seller, missed))[0] == "missed"
    assert (await state_of(client, seller, lasting))[0] == "ended"
    assert await state_of(client, seller, under_way) == ("active", 11)
    assert await prices_of(client, pen) == [6, 10]
    await age(timedelta(days=1))
    await run_job(app)
    assert await prices_of(client, pen) == [11, 6, 10]


async def test_an_edit_while_a_plan_holds_wins_and_ends_it(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    schedule = await planned(client, seller, pen, None, 1)
    await set_price(client, seller, pen, 8)
    assert (await state_of(client, seller, schedule))[0] == "active"
    await set_price(client, seller, pen, 9)
    assert (await state_of(client, seller, schedule))[0] == "overridden"
    await age(timedelta(hours=2))
    assert await run_job(app) == 0
    assert (await look(client, pen))[0] == 9
    gone = await client.delete(schedule, headers=seller.headers)
    assert (gone.status_code, gone.json()["code"]) == (409, "price-schedule-closed")


async def test_an_edit_after_the_start_wins_even_before_the_job_ran(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    late = await planned(client, seller, pen, 1, 3)
    later = await planned(client, seller, pen, 10, 11)
    await age(timedelta(hours=2))
    await set_price(client, seller, pen, 9)
    assert await run_job(app) == 0
    assert (await state_of(client, seller, late))[0] == "overridden"
    assert (await state_of(client, seller, later))[0] == "pending"


async def test_a_sale_that_holds_can_be_made_longer_without_a_break(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    schedule = await planned(client, seller, pen, None, 1)
    longer = await client.patch(schedule, json={"ends_at": in_hours(3)}, headers=seller.headers)
    assert longer.json()["state"] == "active"
    for refused in ({"price": 7}, {"starts_at": in_hours(1)}, {"ends_at": None}):
        answer = await client.patch(schedule, json=refused, headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "price-schedule-started"), refused
    await age(timedelta(hours=2))
    assert await run_job(app) == 0
    assert await look(client, pen) == (8, 10, 2)
    await age(timedelta(hours=2))
    assert await run_job(app) == 1
    over = await client.patch(schedule, json={"ends_at": in_hours(3)}, headers=seller.headers)
    assert (over.status_code, over.json()["code"]) == (409, "price-schedule-closed")


async def test_the_price_at_a_moment_to_come_counts_plans(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    under_way = await planned(client, seller, pen, None, 1, price=8)
    times = [in_hours(hour) for hour in (2, 3, 4)]
    for price, start, end in ((12, times[0], None), (9, times[1], times[2])):
        body = {"price": price, "starts_at": start, "ends_at": end}
        await client.post(f"{pen}/price-schedules", json=body, headers=seller.headers)
    ends_at = datetime.fromisoformat((await client.get(under_way, headers=seller.headers)).json()["ends_at"])
    tick = timedelta(microseconds=1)
    assert await price_as_of(client, pen, (ends_at - tick).isoformat()) == 8
    assert await price_as_of(client, pen, ends_at.isoformat()) == 10
    expected = {times[0]: (10, 12), times[1]: (12, 9), times[2]: (9, 12)}
    for moment, (before, then) in expected.items():
        exactly = datetime.fromisoformat(moment)
        assert await price_as_of(client, pen, (exactly - tick).isoformat()) == before
        assert await price_as_of(client, pen, moment) == then
    assert await price_as_of(client, pen, "9999-12-31T23:59:59Z") == 12


async def test_plans_go_with_their_item_and_need_one(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    await planned(client, seller, pen, 1, 2)
    schedule = await planned(client, seller, pen, None, 0.5)
    other = await list_pen(client, seller)
    elsewhere = schedule.replace(pen, other)
    for method in ("GET", "DELETE"):
        answer = await client.request(method, elsewhere, headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "price-schedule-not-found")
    await client.delete(pen, headers=seller.headers)
    await age(timedelta(hours=5))
    assert await run_job(app) == 0
    missing = await plan(client, seller, pen, 8)
    assert (missing.status_code, missing.json()["code"]) == (404, "item-not-found")


async def test_a_sale_that_is_over_can_be_cancelled_before_the_job_began_the_next(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    times = [in_hours(hour) for hour in (1, 2, 3)]
    plans = []
    for price, start, end in ((8, times[0], times[1]), (9, times[1], times[2])):
        body = {"price": price, "starts_at": start, "ends_at": end}
        made = await client.post(f"{pen}/price-schedules", json=body, headers=seller.headers)
        plans.append(made.headers["location"])
    await age(timedelta(minutes=61))
    await run_job(app)
    await age(timedelta(hours=1))
    gone = await client.delete(plans[0], headers=seller.headers)
    assert gone.status_code == 204, gone.text
    assert (await look(client, pen))[0] == 9
    assert await state_of(client, seller, plans[1]) == ("active", 10)


async def test_what_is_not_for_sale_can_be_sold_for_a_while(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    await set_price(client, seller, pen, None)
    await planned(client, seller, pen, None, 1, price=8)
    assert (await look(client, pen))[:2] == (8, None)
    await age(timedelta(hours=2))
    await run_job(app)
    assert await prices_of(client, pen) == [None, 8, None, 10]
    assert (await look(client, pen))[0] is None
