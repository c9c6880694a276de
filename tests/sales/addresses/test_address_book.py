"""One's own address book, by the API."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from app.sales.addresses.queries import get_own_address
from app.sales.addresses.service import MOST_ADDRESSES
from tests.conftest import Caller, SignUp

BOOK = "/api/v1/users/me/addresses"
HOME = {
    "full_name": "Ada Lovelace",
    "street_line_1": "1 Market Street",
    "city": "san francisco",
    "state": "california",
    "zip_code": "94105",
}


async def add(client: httpx.AsyncClient, owner: Caller, **fields: object) -> dict[str, Any]:
    answer = await client.post(BOOK, json={**HOME, **fields}, headers=owner.headers)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def list_book(client: httpx.AsyncClient, owner: Caller) -> list[dict[str, Any]]:
    answer = await client.get(BOOK, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def primaries(client: httpx.AsyncClient, owner: Caller) -> list[int]:
    return [one["id"] for one in await list_book(client, owner) if one["is_primary"]]


async def test_an_address_is_kept_in_its_countrys_form(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await client.post(BOOK, json={**HOME, "phone": "415-555-0123"}, headers=seller.headers)
    address = answer.json()
    assert answer.headers["location"] == f"{BOOK}/{address['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "private, no-store"
    shown = {name: value for name, value in address.items() if name not in {"id", "created_at", "updated_at"}}
    assert shown == {
        **HOME,
        "street_line_2": None,
        "city": "San Francisco",
        "state": "CA",
        "country": "US",
        "phone": "+14155550123",
        "address_type": "home",
        "is_primary": True,
        "version": 1,
    }
    again = await client.get(f"{BOOK}/{address['id']}", headers=seller.headers)
    assert (again.json(), again.headers["etag"]) == (address, '"1"')


async def test_unicode_stays(client: httpx.AsyncClient, seller: Caller) -> None:
    fields = {
        "full_name": "夏目 漱石 📚",
        "street_line_1": "千代田区千代田１−１",
        "city": "東京",
        "state": "東京都",
        "zip_code": "100-8111",
        "country": "JP",
    }
    address = await add(client, seller, **fields)
    assert {name: address[name] for name in fields} == fields


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"state": "ZZ"}, "state"),
        ({"state": None}, "state"),
        ({"zip_code": "123"}, "zip_code"),
        ({"full_name": "A\x00"}, "full_name"),
        ({"city": "\ud800"}, "city"),
        ({"country": "Atlantis"}, "country"),
        ({"street_line_1": "P.O. Box 1", "address_type": "shipping"}, "street_line_1"),
        ({"phone": "12"}, "phone"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_is_no_address_is_refused(
    client: httpx.AsyncClient, seller: Caller, fields: dict[str, Any], field: str
) -> None:
    # As ASCII, since httpx would not encode an unpaired surrogate.
    answer = await client.post(
        BOOK,
        content=json.dumps({**HOME, **fields}),
        headers={**seller.headers, "Content-Type": "application/json"},
    )
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await list_book(client, seller) == []


async def test_the_first_is_primary_and_another_takes_its_place(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = await add(client, seller)
    second = await add(client, seller, address_type="work")
    assert (first["is_primary"], second["is_primary"]) == (True, False)
    third = await add(client, seller, is_primary=True)
    assert await primaries(client, seller) == [third["id"]]
    answer = await client.put(f"{BOOK}/{second['id']}/primary", headers=seller.headers)
    assert (answer.status_code, answer.json()["is_primary"], answer.json()["version"]) == (200, True, 2)
    assert [one["id"] for one in await list_book(client, seller)] == [second["id"], third["id"], first["id"]]
    again = await client.put(f"{BOOK}/{second['id']}/primary", headers=seller.headers)
    assert again.json()["version"] == 2
    # What showed in the demoted one's answer changed, and so did its tag.
    demoted = await client.get(f"{BOOK}/{third['id']}", headers=seller.headers)
    assert (demoted.json()["is_primary"], demoted.headers["etag"]) == (False, '"2"')


async def test_deleting_the_primary_makes_the_latest_other_primary(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first, second, third = [await add(client, seller) for _ in range(3)]
    for gone, heir in ((first, third), (third, second), (second, None)):
        answer = await client.delete(f"{BOOK}/{gone['id']}", headers=seller.headers)
        assert answer.status_code == 204
        assert await primaries(client, seller) == ([heir["id"]] if heir else [])
    assert await list_book(client, seller) == []


async def test_deleting_another_leaves_the_primary(client: httpx.AsyncClient, seller: Caller) -> None:
    first, second = [await add(client, seller) for _ in range(2)]
    await client.delete(f"{BOOK}/{second['id']}", headers=seller.headers)
    assert await primaries(client, seller) == [first["id"]]


async def test_put_sets_every_field_and_patch_only_what_is_sent(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    address = await add(client, seller, street_line_2="Apt. 4", phone="+14155550123")
    path = f"{BOOK}/{address['id']}"
    answer = await client.patch(path, json={"city": "OAKLAND"}, headers=seller.headers)
    changed = answer.json()
    assert answer.status_code == 200, answer.text
    assert (changed["city"], changed["street_line_2"], changed["version"]) == ("Oakland", "Apt. 4", 2)
    assert (changed["phone"], changed["is_primary"]) == ("+14155550123", True)
    replaced = (await client.put(path, json=HOME, headers=seller.headers)).json()
    assert (replaced["street_line_2"], replaced["phone"], replaced["version"]) == (None, None, 3)
    assert replaced["is_primary"] is True
    emptied = await client.patch(
        path, json={"street_line_2": None, "is_primary": False}, headers=seller.headers
    )
    assert emptied.json()["is_primary"] is True


async def test_a_patch_must_leave_an_address(client: httpx.AsyncClient, seller: Caller) -> None:
    address = await add(client, seller, street_line_1="PO Box 7")
    path = f"{BOOK}/{address['id']}"
    for patch, field in (
        ({"country": "DE", "zip_code": "10"}, "zip_code"),
        ({"state": None}, "state"),
        ({"address_type": "shipping"}, "street_line_1"),
        ({"zip_code": "abc"}, "zip_code"),
    ):
        answer = await client.patch(path, json=patch, headers=seller.headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (422, "invalid-address"), answer.text
        assert [error["field"] for error in problem["errors"]] == [field]
        assert "Value error" not in answer.text
    for body in ({"city": None}, {"is_primary": None}, {"id": 3}, {"city": "x" * 101}):
        answer = await client.patch(path, json=body, headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation")
    move = {"country": "DE", "state": None, "zip_code": "10115", "city": "berlin"}
    moved = (await client.patch(path, json=move, headers=seller.headers)).json()
    assert {name: moved[name] for name in move} == {**move, "city": "Berlin"}


async def test_another_accounts_address_is_not_found(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    address = await add(client, seller)
    other, staff = await sign_up(), await sign_up(Role.SUPER_ADMIN)
    own = await add(client, other)
    path = f"{BOOK}/{address['id']}"
    for caller in (other, staff):
        answers = [
            await client.get(path, headers=caller.headers),
            await client.put(path, json=HOME, headers=caller.headers),
            await client.patch(path, json={"city": "Oakland"}, headers=caller.headers),
            await client.put(f"{path}/primary", headers=caller.headers),
            await client.delete(path, headers=caller.headers),
        ]
        assert {(one.status_code, one.json()["code"]) for one in answers} == {(404, "address-not-found")}
    assert [one["id"] for one in await list_book(client, other)] == [own["id"]]
    assert await list_book(client, seller) == [address]


async def test_a_stale_editor_is_told(client: httpx.AsyncClient, seller: Caller) -> None:
    address = await add(client, seller)
    path = f"{BOOK}/{address['id']}"
    await client.patch(path, json={"city": "Oakland"}, headers=seller.headers)
    stale = {**seller.headers, "If-Match": '"1"'}
    answers = [
        await client.put(path, json=HOME, headers=stale),
        await client.patch(path, json={"city": "Reno"}, headers=stale),
        await client.put(f"{path}/primary", headers=stale),
        await client.delete(path, headers=stale),
    ]
    assert {one.status_code for one in answers} == {412}
    assert (await client.delete(path, headers={**seller.headers, "If-Match": '"2"'})).status_code == 204


async def test_a_book_is_full_at_some_point(client: httpx.AsyncClient, seller: Caller) -> None:
    for _ in range(MOST_ADDRESSES):
        await add(client, seller)
    answer = await client.post(BOOK, json=HOME, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-addresses")
    pages = [
        (await client.get(BOOK, params={"limit": 20, "skip": skip}, headers=seller.headers)).json()
        for skip in (0, 20, 40)
    ]
    assert [len(page["items"]) for page in pages] == [20, 20, 10]
    following = {"limit": 20, "cursor": pages[0]["next_cursor"]}
    assert (await client.get(BOOK, params=following, headers=seller.headers)).json()["items"] == pages[1][
        "items"
    ]


async def test_the_same_request_twice_adds_once(client: httpx.AsyncClient, seller: Caller) -> None:
    once = {**seller.headers, "Idempotency-Key": "address-1"}
    answers = [await client.post(BOOK, json=HOME, headers=once) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(await list_book(client, seller)) == 1


async def test_two_primaries_at_once_leave_one(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    owner = await live_sign_up()
    answers = await asyncio.gather(
        *(live_client.post(BOOK, json={**HOME, "is_primary": True}, headers=owner.headers) for _ in range(8))
    )
    assert {one.status_code for one in answers} == {201}
    assert len(await primaries(live_client, owner)) == 1
    book = await list_book(live_client, owner)
    answers = await asyncio.gather(
        *(live_client.put(f"{BOOK}/{one['id']}/primary", headers=owner.headers) for one in book)
    )
    assert {one.status_code for one in answers} == {200}
    assert len(await primaries(live_client, owner)) == 1
    answers = await asyncio.gather(
        *(live_client.delete(f"{BOOK}/{one['id']}", headers=owner.headers) for one in book[:-1])
    )
    assert {one.status_code for one in answers} == {204}
    assert await primaries(live_client, owner) == [book[-1]["id"]]


async def test_the_last_free_place_is_taken_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    owner = await live_sign_up()
    for _ in range(MOST_ADDRESSES - 1):
        await add(live_client, owner)
    answers = await asyncio.gather(
        *(live_client.post(BOOK, json=HOME, headers=owner.headers) for _ in range(6))
    )
    assert sorted(one.status_code for one in answers) == [201, *[409] * 5]


async def test_an_order_copies_the_address(
    client: httpx.AsyncClient, seller: Caller, connection: Any
) -> None:
    address = await add(client, seller)
    copy = (await get_own_address(connection, seller.id, address["id"])).model_dump(mode="json")
    assert copy == {name: address[name] for name in copy}
    assert "id" not in copy
