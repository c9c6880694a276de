"""Planning prices: who may, what is refused, what can be changed."""

from datetime import timedelta

import httpx
import pytest
from dirty_equals import IsInt, IsStr
from fastapi import FastAPI

from app.catalog.prices.service import MOST_OPEN
from app.identity.permissions import Role
from tests.catalog.test_audited_edits import log_of
from tests.conftest import Caller, SignUp

from .conftest import (
    Age,
    in_hours,
    list_pen,
    look,
    plan,
    planned,
    run_job,
)


async def test_a_plan_comes_back_as_it_was_made_for_its_owner_alone(
    client: httpx.AsyncClient, seller: Caller, pen: str, sign_up: SignUp
) -> None:
    body = {"price": 8.5, "starts_at": "2040-11-27T00:00:00+01:00", "ends_at": "2040-12-01T00:00:00Z"}
    made = await client.post(f"{pen}/price-schedules", json=body, headers=seller.headers)
    assert made.status_code == 201
    assert made.json() == {
        "id": IsInt,
        "price": 8.5,
        "starts_at": "2040-11-26T23:00:00Z",
        "ends_at": "2040-12-01T00:00:00Z",
        "state": "pending",
        "regular_price": None,
        "created_by": seller.id,
        "created_at": IsStr(regex=r".*Z"),
        "version": 1,
    }
    one, every = made.headers["location"], f"{pen}/price-schedules"
    assert (await client.get(one, headers=seller.headers)).json() == made.json()
    assert (await client.get(every, headers=seller.headers)).json()["items"] == [made.json()]
    none = await client.get(every, params={"state": "active"}, headers=seller.headers)
    assert none.json()["items"] == []
    stranger = await sign_up()
    for method, path in (("GET", one), ("GET", every), ("POST", every), ("PATCH", one), ("DELETE", one)):
        refused = await client.request(
            method, path, json=body if method in {"POST", "PATCH"} else None, headers=stranger.headers
        )
        assert (refused.status_code, refused.json()["code"]) == (403, "not-your-item"), method


async def test_plans_of_one_item_do_not_overlap(client: httpx.AsyncClient, seller: Caller, pen: str) -> None:
    start, end = in_hours(2), in_hours(4)
    body = {"price": 8, "starts_at": start, "ends_at": end}
    path = f"{pen}/price-schedules"
    assert (await client.post(path, json=body, headers=seller.headers)).status_code == 201
    overlapping = (
        (start, end),
        (in_hours(1), in_hours(3)),
        (in_hours(3), in_hours(5)),
        (in_hours(1), in_hours(9)),
    )
    for starts_at, ends_at in (*overlapping, (start, None), (in_hours(3), None)):
        again = {"price": 7, "starts_at": starts_at, "ends_at": ends_at}
        answer = await client.post(path, json=again, headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "price-schedules-overlap"), again
        assert answer.json()["errors"][0]["field"] == "starts_at"
    for starts_at, ends_at in ((in_hours(1), start), (end, in_hours(5)), (in_hours(6), None)):
        beside = {"price": 7, "starts_at": starts_at, "ends_at": ends_at}
        assert (await client.post(path, json=beside, headers=seller.headers)).status_code == 201
    other = await list_pen(client, seller)
    assert (
        await client.post(f"{other}/price-schedules", json=body, headers=seller.headers)
    ).status_code == 201


async def test_a_plan_can_be_changed_until_it_begins(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    schedule = await planned(client, seller, pen, 1, 2)
    await planned(client, seller, pen, 5, 6)
    clash = await client.patch(schedule, json={"ends_at": in_hours(5.5)}, headers=seller.headers)
    assert (clash.status_code, clash.json()["code"]) == (409, "price-schedules-overlap")
    for wrong in ({"ends_at": in_hours(0.5)}, {"ends_at": in_hours(-1)}, {"starts_at": in_hours(2.5)}):
        refused = await client.patch(schedule, json=wrong, headers=seller.headers)
        assert (refused.status_code, refused.json()["code"]) == (422, "price-schedule-in-past"), wrong
    for malformed in ({"price": None}, {"starts_at": None}, {"price": 1.234}, {"state": "active"}):
        assert (await client.patch(schedule, json=malformed, headers=seller.headers)).status_code == 422
    moved = {"price": 7, "starts_at": in_hours(3), "ends_at": in_hours(4)}
    answer = await client.patch(schedule, json=moved, headers=seller.headers)
    assert (answer.status_code, answer.json()["price"]) == (200, 7)
    await age(timedelta(hours=2))
    assert await run_job(app) == 0
    now = await client.patch(schedule, json={"starts_at": in_hours(-1)}, headers=seller.headers)
    assert now.json()["state"] == "active"
    assert (await look(client, pen))[:2] == (7, 10)


async def test_a_cancelled_plan_makes_room(client: httpx.AsyncClient, seller: Caller, pen: str) -> None:
    first = await planned(client, seller, pen, 1, 2)
    assert (await client.delete(first, headers=seller.headers)).status_code == 204
    assert (await client.delete(first, headers=seller.headers)).json()["code"] == "price-schedule-not-found"
    await planned(client, seller, pen, 1, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"starts_at": "2040-01-01T00:00:00"},
        {"starts_at": "2040-01-02T00:00:00Z", "ends_at": "2040-01-01T00:00:00Z"},
        {"starts_at": "2040-01-01T01:00:00+01:00", "ends_at": "2040-01-01T00:00:00Z"},
        {"ends_at": "2020-01-01T00:00:00Z"},
        {"price": 8.125},
        {"price": 0},
        {"price": None},
        {"starts_at": "9999-12-31T23:59:59-14:00"},
        {"starts_at": "9999-12-31T23:59:59.999999Z"},
        {"ends_at": "9999-12-31T23:59:59.999999Z"},
        {"until": "2040-01-01T00:00:00Z"},
        {"starts_at": 1e300},
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, seller: Caller, pen: str, wrong: dict[str, object]
) -> None:
    answer = await client.post(f"{pen}/price-schedules", json={"price": 8, **wrong}, headers=seller.headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_an_item_has_a_bounded_number_of_plans(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    for hour in range(MOST_OPEN):
        await planned(client, seller, pen, hour + 1, hour + 1.5)
    answer = await plan(client, seller, pen, 8, 999, 1000)
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-price-schedules")


async def test_plans_of_staff_for_others_are_audited(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, pen: str
) -> None:
    start = "2040-01-01T00:00:00Z"
    body = {"price": 8, "starts_at": start}
    own = await client.post(f"{pen}/price-schedules", json=body, headers=seller.headers)
    await client.delete(own.headers["location"], headers=seller.headers)
    theirs = await client.post(f"{pen}/price-schedules", json=body, headers=moderator.headers)
    await client.delete(theirs.headers["location"], headers=moderator.headers)
    starts_at = "2040-01-01 00:00:00+00:00"
    assert await log_of(client, await sign_up(Role.ADMIN), "item") == [
        (
            "item.price_planned",
            {"price": [None, "8"], "starts_at": [None, starts_at], "ends_at": [None, None]},
        ),
        (
            "item.price_plan_cancelled",
            {"price": ["8.00", None], "starts_at": [starts_at, None], "ends_at": [None, None]},
        ),
    ]
