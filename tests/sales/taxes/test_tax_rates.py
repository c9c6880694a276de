"""Staff say what is taxed how."""

import asyncio
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.conftest import Audit, Caller, SignUp

RATES = "/api/v1/admin/tax-rates"
CALIFORNIA = {
    "country": "us",
    "state": "california",
    "tax_class": "print",
    "rate": 0.0725,
    "valid_from": "2026-01-01",
}


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    """Somebody who runs the shop."""
    return await sign_up(Role.ADMIN)


async def post(client: httpx.AsyncClient, staff: Caller, **fields: object) -> httpx.Response:
    return await client.post(RATES, json={**CALIFORNIA, **fields}, headers=staff.headers)


async def test_a_rate_is_added_read_changed_and_deleted(
    client: httpx.AsyncClient, admin: Caller, audit: Audit
) -> None:
    answer = await post(client, admin)
    rate = answer.json()
    path = f"{RATES}/{rate['id']}"
    assert (answer.status_code, answer.headers["location"], answer.headers["etag"]) == (201, path, '"1"')
    shown = {name: value for name, value in rate.items() if name not in {"id", "created_at", "updated_at"}}
    assert shown == {**CALIFORNIA, "country": "US", "state": "CA", "valid_until": None, "version": 1}
    assert (await client.get(path, headers=admin.headers)).json() == rate
    answer = await client.patch(path, json={"rate": 0.08, "valid_until": "2026-12-31"}, headers=admin.headers)
    changed = answer.json()
    assert (changed["rate"], changed["valid_until"], changed["version"]) == (0.08, "2026-12-31", 2)
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await client.get(path, headers=admin.headers)).json()["code"] == "tax-rate-not-found"
    entries = await audit(target="tax_rate", target_id=str(rate["id"]))
    assert {entry["action"] for entry in entries} == {
        "tax_rate.created",
        "tax_rate.changed",
        "tax_rate.deleted",
    }


async def test_the_list_is_filtered_by_place_class_and_day(client: httpx.AsyncClient, admin: Caller) -> None:
    await post(client, admin, valid_until="2026-06-30")
    await post(client, admin, state=None)

    async def states(**params: str) -> list[str | None]:
        answer = await client.get(RATES, params=params, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        return [one["state"] for one in answer.json()["items"]]

    assert await states(country="US") == [None, "CA"]
    assert await states(country="us", on="2026-07-01") == [None]
    assert await states(country="US", on="2025-12-31") == []
    assert await states(country="US", tax_class="ebook") == []
    germany = (await client.get(RATES, params={"country": "DE"}, headers=admin.headers)).json()["items"]
    assert {one["tax_class"]: one["rate"] for one in germany} == {"ebook": 0.07, "goods": 0.19, "print": 0.07}
    first = (await client.get(RATES, params={"limit": 50}, headers=admin.headers)).json()
    following = {"limit": 50, "cursor": first["next_cursor"]}
    rest = (await client.get(RATES, params=following, headers=admin.headers)).json()
    ids = [one["id"] for one in (*first["items"], *rest["items"])]
    assert len(set(ids)) == len(ids) == first["total"]


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (("2026-01-01", None), 409),
        (("2026-06-30", "2026-12-31"), 409),
        (("2025-01-01", "2026-01-01"), 409),
        (("2020-01-01", None), 409),
        (("2026-07-01", None), 201),
        (("2025-01-01", "2025-12-31"), 201),
    ],
)
async def test_of_a_place_and_a_class_one_rate_is_in_force(
    client: httpx.AsyncClient, admin: Caller, days: tuple[str, str | None], status: int
) -> None:
    assert (await post(client, admin, valid_until="2026-06-30")).status_code == 201
    answer = await post(client, admin, valid_from=days[0], valid_until=days[1])
    assert answer.status_code == status, answer.text
    if status == 409:
        assert answer.json()["code"] == "tax-rates-overlap"
    # Other places and classes are none of its business.
    for other in ({"state": None}, {"state": "NY"}, {"tax_class": "ebook"}, {"country": "CA", "state": "ON"}):
        answer = await post(client, admin, valid_from=days[0], valid_until=days[1], **other)
        assert answer.status_code == 201, answer.text


async def test_a_change_must_not_overlap_either(client: httpx.AsyncClient, admin: Caller) -> None:
    first = (await post(client, admin, valid_until="2026-06-30")).json()
    second = (await post(client, admin, valid_from="2026-07-01")).json()
    path = f"{RATES}/{first['id']}"
    answer = await client.patch(path, json={"valid_until": None}, headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "tax-rates-overlap")
    answer = await client.patch(
        f"{RATES}/{second['id']}", json={"valid_from": "2026-06-30"}, headers=admin.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "tax-rates-overlap")
    answer = await client.patch(path, json={"valid_until": "2025-12-31"}, headers=admin.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "tax-rate-never-valid")
    stale = {**admin.headers, "If-Match": '"9"'}
    assert (await client.patch(path, json={"rate": 0}, headers=stale)).status_code == 412
    assert (await client.delete(path, headers=stale)).status_code == 412


async def test_a_rate_may_last_for_ever_and_for_a_day(client: httpx.AsyncClient, admin: Caller) -> None:
    assert (await post(client, admin, valid_from="0001-01-01", valid_until="0001-01-01")).status_code == 201
    answer = await post(client, admin, valid_from="0001-01-02", valid_until="9999-12-31")
    assert (answer.status_code, answer.json()["valid_until"]) == (201, "9999-12-31")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"rate": 1}, "rate"),
        ({"rate": -0.01}, "rate"),
        ({"rate": 0.07251}, "rate"),
        ({"rate": "0.07"}, "rate"),
        ({"rate": True}, "rate"),
        ({"country": "EU"}, "country"),
        ({"state": "Bavaria"}, "state"),
        ({"state": "\x00"}, "state"),
        ({"tax_class": "food"}, "tax_class"),
        ({"valid_from": 20260101}, "valid_from"),
        ({"valid_from": "2026-02-30"}, "valid_from"),
        ({"valid_from": None}, "valid_from"),
        ({"valid_until": "2025-12-31"}, "valid_until"),
        ({"name": "VAT"}, "name"),
    ],
)
async def test_what_is_no_rate_is_refused(
    client: httpx.AsyncClient, admin: Caller, fields: dict[str, Any], field: str
) -> None:
    answer = await post(client, admin, **fields)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_of_two_rates_at_once_one_stands(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    admin = await live_sign_up(Role.ADMIN)
    answers = await asyncio.gather(*(post(live_client, admin) for _ in range(5)))
    statuses = sorted(one.status_code for one in answers)
    # Two that wait for one another are a collision, which may be sent again.
    assert statuses[0] == 201
    assert set(statuses[1:]) <= {409, 503}
    assert (await post(live_client, admin)).status_code == 409


async def test_only_who_runs_the_shop_sees_and_writes_them(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    for caller in (seller, moderator):
        assert (await client.get(RATES, headers=caller.headers)).status_code == 403
        assert (await post(client, caller)).status_code == 403
