"""Staff say how orders are sent and for how much."""

import asyncio
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.conftest import Audit, Caller, SignUp

METHODS = "/api/v1/admin/shipping-methods"
LETTER = {
    "code": "letter",
    "name": "Brief ✉",
    "carrier": "National Post",
    "countries": ["us", "DE", "US"],
    "bands": [{"up_to_grams": 2000, "price": 4}, {"up_to_grams": 500, "price": 2.5}],
    "days": 3,
    "refuses_po_box": False,
}


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    """Somebody who runs the shop."""
    return await sign_up(Role.ADMIN)


async def add(client: httpx.AsyncClient, staff: Caller, **fields: object) -> dict[str, Any]:
    answer = await client.post(METHODS, json={**LETTER, **fields}, headers=staff.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_fresh_shop_has_three_methods(client: httpx.AsyncClient, admin: Caller) -> None:
    listed = (await client.get(METHODS, headers=admin.headers)).json()["items"]
    assert [(one["code"], one["price"], one["free_from"], one["is_pickup"]) for one in listed] == [
        ("express", 12.9, None, False),
        ("pickup", 0, None, True),
        ("standard", 4.9, 50, False),
    ]


async def test_a_method_is_added_read_changed_and_deleted(
    client: httpx.AsyncClient, admin: Caller, audit: Audit
) -> None:
    answer = await client.post(METHODS, json=LETTER, headers=admin.headers)
    method = answer.json()
    path = f"{METHODS}/{method['id']}"
    assert (answer.headers["location"], answer.headers["etag"]) == (path, '"1"')
    shown = {name: value for name, value in method.items() if name not in {"id", "created_at", "updated_at"}}
    assert shown == {
        **LETTER,
        "countries": ["DE", "US"],
        "price": 0,
        "price_per_kg": 0,
        "bands": [{"up_to_grams": 500, "price": 2.5}, {"up_to_grams": 2000, "price": 4}],
        "free_from": None,
        "is_pickup": False,
        "is_active": True,
        "version": 1,
    }
    assert (await client.get(path, headers=admin.headers)).json() == method
    bands = [{"up_to_grams": 100, "price": 1.25}]
    answer = await client.patch(path, json={"bands": bands}, headers=admin.headers)
    assert (answer.json()["bands"], answer.json()["version"]) == (bands, 2)
    answer = await client.patch(path, json={"free_from": 20, "is_active": False}, headers=admin.headers)
    changed = answer.json()
    assert (changed["free_from"], changed["is_active"], changed["bands"], changed["version"]) == (
        20,
        False,
        bands,
        3,
    )
    whole = {"code": "letter", "name": "Letter", "price": 3, "days": 2}
    replaced = (await client.put(path, json=whole, headers=admin.headers)).json()
    assert (replaced["bands"], replaced["countries"], replaced["carrier"]) == ([], [], None)
    assert (replaced["price"], replaced["is_active"], replaced["free_from"]) == (3, True, None)
    assert (await client.delete(path, headers=admin.headers)).status_code == 204
    assert (await client.get(path, headers=admin.headers)).json()["code"] == "shipping-method-not-found"
    entries = await audit(target="shipping_method", target_id=str(method["id"]))
    assert {entry["action"] for entry in entries} == {
        "shipping_method.created",
        "shipping_method.changed",
        "shipping_method.deleted",
    }


async def test_the_list_is_filtered(client: httpx.AsyncClient, admin: Caller) -> None:
    await add(client, admin)
    await add(client, admin, code="gone", countries=["FR"], is_active=False)

    async def codes(**params: str) -> list[str]:
        answer = await client.get(METHODS, params=params, headers=admin.headers)
        assert answer.status_code == 200, answer.text
        return [one["code"] for one in answer.json()["items"]]

    assert await codes(country="us") == ["express", "letter", "pickup", "standard"]
    assert await codes(country="FR", is_active="true") == ["express", "pickup", "standard"]
    assert await codes(is_active="false") == ["gone"]
    answer = await client.get(METHODS, params={"country": "Mars"}, headers=admin.headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"code": "Letter"}, "code"),
        ({"code": "a--b"}, "code"),
        ({"code": ""}, "code"),
        ({"name": "\x00"}, "name"),
        ({"price": -1}, "price"),
        ({"price": 1.234}, "price"),
        ({"price": "1"}, "price"),
        ({"price_per_kg": 1e9}, "price_per_kg"),
        ({"free_from": -0.01}, "free_from"),
        ({"days": 366}, "days"),
        ({"days": 1.5}, "days"),
        ({"countries": ["XX"]}, "countries.0"),
        ({"bands": [{"up_to_grams": 0, "price": 1}]}, "bands.0.up_to_grams"),
        ({"bands": [{"up_to_grams": 5, "price": 1}, {"up_to_grams": 5, "price": 2}]}, "bands"),
        ({"bands": [{"up_to_grams": n + 1, "price": 1} for n in range(51)]}, "bands"),
        ({"zone": "EU"}, "zone"),
    ],
)
async def test_what_is_no_method_is_refused(
    client: httpx.AsyncClient, admin: Caller, fields: dict[str, Any], field: str
) -> None:
    answer = await client.post(METHODS, json={**LETTER, **fields}, headers=admin.headers)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_code_is_taken_once(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    admin = await live_sign_up(Role.ADMIN)
    answers = await asyncio.gather(
        *(live_client.post(METHODS, json=LETTER, headers=admin.headers) for _ in range(5))
    )
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409, 409]
    assert {one.json().get("code") for one in answers} == {"letter", "shipping-code-taken"}
    [standard] = [
        one
        for one in (await live_client.get(METHODS, headers=admin.headers)).json()["items"]
        if one["code"] == "standard"
    ]
    answer = await live_client.patch(
        f"{METHODS}/{standard['id']}", json={"code": "letter"}, headers=admin.headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "shipping-code-taken")


async def test_a_stale_editor_is_told(client: httpx.AsyncClient, admin: Caller) -> None:
    method = await add(client, admin)
    path = f"{METHODS}/{method['id']}"
    await client.patch(path, json={"bands": []}, headers=admin.headers)
    stale = {**admin.headers, "If-Match": '"1"'}
    assert (await client.patch(path, json={"days": 1}, headers=stale)).status_code == 412
    assert (await client.put(path, json=LETTER, headers=stale)).status_code == 412
    assert (await client.delete(path, headers=stale)).status_code == 412


async def test_only_who_runs_the_shop_sees_and_writes_them(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    for caller in (seller, moderator):
        assert (await client.get(METHODS, headers=caller.headers)).status_code == 403
        assert (await client.post(METHODS, json=LETTER, headers=caller.headers)).status_code == 403
