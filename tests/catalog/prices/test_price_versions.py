"""Whoever changes a planned price on stale knowledge is told, and nothing happens."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from tests.conftest import Caller, SignUp

from .conftest import Age, in_hours, list_pen, planned, run_job, set_price


async def version_of(client: httpx.AsyncClient, who: Caller, schedule: str) -> int:
    answer = await client.get(schedule, headers=who.headers)
    version: int = answer.json()["version"]
    assert answer.headers["etag"] == f'"{version}"'
    return version


@pytest.mark.parametrize(("method", "status"), [("PATCH", 200), ("DELETE", 204)])
async def test_a_stale_tag_is_refused_and_the_current_one_is_not(
    client: httpx.AsyncClient, seller: Caller, pen: str, method: str, status: int
) -> None:
    schedule = await planned(client, seller, pen, 1, 2)
    stale = (await client.get(schedule, headers=seller.headers)).headers["etag"]
    changed = await client.patch(schedule, json={"price": 7}, headers={**seller.headers, "If-Match": stale})
    assert (changed.status_code, changed.json()["price"]) == (200, 7)
    body = {"price": 6} if method == "PATCH" else None
    refused = await client.request(method, schedule, json=body, headers={**seller.headers, "If-Match": stale})
    assert (refused.status_code, refused.json()["code"]) == (412, "stale-version")
    assert refused.json()["current_version"] == 2
    assert (await client.get(schedule, headers=seller.headers)).json() == changed.json()
    current = f'"7", W/{changed.headers["etag"]}'
    done = await client.request(method, schedule, json=body, headers={**seller.headers, "If-Match": current})
    assert done.status_code == status


async def test_every_answer_with_one_plan_has_the_tag_of_its_version(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    body = {"price": 8, "starts_at": in_hours(1), "ends_at": in_hours(2)}
    made = await client.post(f"{pen}/price-schedules", json=body, headers=seller.headers)
    schedule = made.headers["location"]
    assert (made.headers["etag"], made.json()["version"]) == ('"1"', 1)
    known = await client.get(schedule, headers={**seller.headers, "If-None-Match": '"1"'})
    assert (known.status_code, known.headers["etag"]) == (304, '"1"')
    any_version = {**seller.headers, "If-Match": "*"}
    changed = await client.patch(schedule, json={"ends_at": in_hours(3)}, headers=any_version)
    assert (changed.headers["etag"], changed.json()["version"]) == ('"2"', 2)
    news = await client.get(schedule, headers={**seller.headers, "If-None-Match": '"1"'})
    assert news.status_code == 200
    every = await client.get(f"{pen}/price-schedules", headers=seller.headers)
    assert every.json()["items"] == [changed.json()]


async def test_a_change_to_what_it_is_already_keeps_the_version(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    schedule = await planned(client, seller, pen, 1, 2)
    same = (await client.get(schedule, headers=seller.headers)).json()
    for body in ({}, {name: same[name] for name in ("price", "starts_at", "ends_at")}):
        answer = await client.patch(schedule, json=body, headers=seller.headers)
        assert (answer.status_code, answer.json()) == (200, same)


async def test_beginning_and_ending_raise_the_version(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    sale = await planned(client, seller, pen, 1, 2)
    other = await planned(client, seller, pen, 9, 10)
    for version in (2, 3):
        await age(timedelta(minutes=61))
        await run_job(app)
        assert await version_of(client, seller, sale) == version
    assert await version_of(client, seller, other) == 1


async def test_a_plan_that_holds_at_once_has_begun_in_its_first_answer(
    client: httpx.AsyncClient, seller: Caller, pen: str
) -> None:
    made = await client.post(
        f"{pen}/price-schedules", json={"price": 8, "ends_at": in_hours(1)}, headers=seller.headers
    )
    assert (made.json()["state"], made.headers["etag"]) == ("active", '"2"')
    longer = await client.patch(
        made.headers["location"],
        json={"ends_at": in_hours(3)},
        headers={**seller.headers, "If-Match": made.headers["etag"]},
    )
    assert (longer.status_code, longer.headers["etag"]) == (200, '"3"')
    gone = await client.delete(
        made.headers["location"], headers={**seller.headers, "If-Match": longer.headers["etag"]}
    )
    assert gone.status_code == 204


async def test_being_missed_or_overridden_raises_the_version(
    client: httpx.AsyncClient, app: FastAPI, seller: Caller, pen: str, age: Age
) -> None:
    missed = await planned(client, seller, pen, 1, 2)
    overridden = await planned(client, seller, pen, 4, 6)
    await age(timedelta(hours=5))
    await run_job(app)
    assert await version_of(client, seller, missed) == 2
    assert await version_of(client, seller, overridden) == 2
    await set_price(client, seller, pen, 9)
    assert await version_of(client, seller, overridden) == 3


async def test_of_two_who_change_a_plan_at_once_one_is_refused(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    schedule = await planned(live_client, owner, await list_pen(live_client, owner), 1, 2)
    headers = {**owner.headers, "If-Match": '"1"'}
    answers = await asyncio.gather(
        *(live_client.patch(schedule, json={"price": price}, headers=headers) for price in (6, 7))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    (done,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await live_client.get(schedule, headers=owner.headers)).json() == done


@pytest.mark.parametrize("method", ["patch", "delete"])
async def test_the_document_tells_of_the_precondition(app: FastAPI, method: str) -> None:
    path = "/api/v1/items/{item_id}/price-schedules/{schedule_id}"
    operation = app.openapi()["paths"][path][method]
    assert "412" in operation["responses"]
    assert [one["name"] for one in operation["parameters"] if one["in"] == "header"] == ["If-Match"]
