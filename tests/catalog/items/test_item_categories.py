"""Items of every kind in categories, and the fields that a client asks for."""

from typing import Any

import httpx
import pytest

from tests.conftest import Audit, Caller
from tests.factories import a_book, a_category, an_item

ITEMS = "/api/v1/items"


async def found(client: httpx.AsyncClient, category: str) -> list[int]:
    answer = await client.get(ITEMS, params={"category": category})
    return [one["id"] for one in answer.raise_for_status().json()["items"]]


async def test_a_pen_stands_in_categories_and_is_found_there(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    top = await a_category(client, moderator, "Writing")
    below = await a_category(client, moderator, "Ink", parent_id=top["id"])
    pen = await an_item(client, seller, "A pen", category_ids=[below["id"], below["id"]])
    book = await a_book(client, seller, "B book", category_ids=[top["id"]])
    assert pen["categories"] == [{"id": below["id"], "name": "Ink", "slug": "ink"}]
    for key in ("writing", str(top["id"]), "WRITING".lower()):
        assert await found(client, key) == [pen["id"], book["id"]]
    assert await found(client, "ink") == [pen["id"]]
    assert await found(client, "ink,writing") == [pen["id"], book["id"]]
    assert await found(client, "nothing") == []
    # The books of a category are books.
    listed = (await client.get("/api/v1/categories/writing/books")).json()["items"]
    assert [one["id"] for one in listed] == [book["id"]]
    assert (await client.get(f"/api/v1/books/{book['id']}/related")).json()["items"] == []
    in_use = await client.delete("/api/v1/categories/ink", headers=moderator.headers)
    assert (in_use.status_code, in_use.json()["code"]) == (409, "category-in-use")
    emptied = await client.patch(f"{ITEMS}/{pen['id']}", json={"category_ids": []}, headers=seller.headers)
    assert (emptied.json()["categories"], emptied.json()["version"]) == ([], 2)
    assert (await client.delete("/api/v1/categories/ink", headers=moderator.headers)).status_code == 204


async def test_a_renamed_category_changes_the_tag_of_its_items_and_stops_no_editor(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    category = await a_category(client, moderator, "Writing")
    pen = await an_item(client, seller, category_ids=[category["id"]])
    path = f"{ITEMS}/{pen['id']}"
    tag = (await client.get(path)).headers["etag"]
    await client.patch("/api/v1/categories/writing", json={"name": "Pens"}, headers=moderator.headers)
    renamed = await client.get(path, headers={"If-None-Match": tag})
    assert (renamed.status_code, renamed.json()["categories"][0]["name"]) == (200, "Pens")
    edited = await client.patch(path, json={"price": 2}, headers={**seller.headers, "If-Match": tag})
    assert edited.status_code == 200


@pytest.mark.parametrize("ids", [[999_999], [0], ["1"], None, list(range(1, 22))])
async def test_categories_that_are_none_are_refused(
    client: httpx.AsyncClient, seller: Caller, ids: list[Any] | None
) -> None:
    pen = await an_item(client, seller)
    for method, path in (("POST", ITEMS), ("PATCH", f"{ITEMS}/{pen['id']}")):
        body = {"title": "T", "price": 1, "category_ids": ids} if method == "POST" else {"category_ids": ids}
        answer = await client.request(method, path, json=body, headers=seller.headers)
        expected = (409, "unknown-category") if ids == [999_999] else (422, "validation")
        assert (answer.status_code, answer.json()["code"]) == expected
        assert answer.json()["errors"][0]["field"].startswith("category_ids")


async def test_staff_who_move_an_item_are_in_the_log(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, audit: Audit
) -> None:
    category = await a_category(client, moderator, "Writing")
    pen = await an_item(client, seller)
    path = f"{ITEMS}/{pen['id']}"
    await client.patch(
        path, json={"category_ids": [category["id"]], "is_active": False}, headers=moderator.headers
    )
    [entry] = await audit(action="item.changed")
    assert entry["changes"]["category_ids"] == [[], [category["id"]]]
    assert entry["changes"]["is_active"] == [True, False]


async def test_only_the_fields_that_were_asked_for_are_shown(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    pen = await an_item(client, seller, quantity=2)
    path = f"{ITEMS}/{pen['id']}"
    shown = await client.get(path, params={"fields": "title, price"})
    assert shown.json() == {"id": pen["id"], "title": "Pen", "price": 10}
    again = await client.get(
        path, params={"fields": "title, price"}, headers={"If-None-Match": shown.headers["etag"]}
    )
    assert again.status_code == 304
    edited = await client.patch(
        path, json={"price": 11}, headers={**seller.headers, "If-Match": shown.headers["etag"]}
    )
    assert edited.status_code == 200
    # What is the owner's alone nobody else is shown, though they ask for it.
    assert (await client.get(path, params={"fields": "on_hand"})).json() == {"id": pen["id"]}
    own = await client.get(path, params={"fields": "on_hand"}, headers=seller.headers)
    assert own.json() == {"id": pen["id"], "on_hand": 2}
    page = (await client.get(ITEMS, params={"fields": "title", "owner_id": seller.id})).json()
    assert (page["items"], page["total"]) == ([{"id": pen["id"], "title": "Pen"}], 1)
    mine = await client.get("/api/v1/users/me/items?fields=is_active", headers=seller.headers)
    assert mine.json()["items"] == [{"id": pen["id"], "is_active": True}]
    for query in ("fields=isbn", "fields=nonsense", "fields=password_hash", "unknown=1", "expand=work"):
        refused = await client.get(f"{path}?{query}")
        assert (refused.status_code, refused.json()["code"]) == (422, "validation"), query
    assert (await client.get(f"{ITEMS}?fields=nonsense")).status_code == 422
