"""Items of every kind over HTTP."""

from typing import Any

import httpx
import pytest
from dirty_equals import IsInt, IsStr

from tests.conftest import Caller, SignUp
from tests.factories import made

ITEMS = "/api/v1/items"
PEN = {"title": "Fountain pen", "price": 24.9, "quantity": 3, "kind": "stationery", "tags": ["Pen", "pen"]}


async def create(client: httpx.AsyncClient, caller: Caller, **fields: object) -> dict[str, Any]:
    return await made(client, caller, ITEMS, {**PEN, **fields})


async def test_an_item_comes_back_as_it_was_sent(client: httpx.AsyncClient, seller: Caller) -> None:
    item = await create(client, seller, sku="ST-000042", description="Black.")
    assert item == {
        "id": IsInt(gt=0),
        "kind": "stationery",
        "sku": "ST-000042",
        "title": "Fountain pen",
        "description": "Black.",
        "price": 24.9,
        "currency": "EUR",
        "lowest_price_30d": None,
        "quantity": 3,
        "sale_policy": "in_stock",
        "on_sale_at": None,
        "weight_grams": None,
        "tags": ["pen"],
        "categories": [],
        "pictures": [],
        "owner_id": seller.id,
        "is_active": True,
        "on_hand": 3,
        "reserved": 0,
        "views": 0,
        "version": 1,
        "created_at": IsStr(regex=r".*Z"),
        "updated_at": IsStr(regex=r".*Z"),
    }
    assert (await client.get(f"{ITEMS}/{item['id']}", headers=seller.headers)).json() == item


async def test_a_sku_is_unique_and_several_items_may_have_none(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await create(client, seller)
    await create(client, seller)
    first = await create(client, seller, sku="ST-0001")
    taken = await client.post(ITEMS, json={**PEN, "sku": first["sku"]}, headers=seller.headers)
    assert (taken.status_code, taken.json()["code"]) == (409, "sku-taken")
    assert taken.json()["errors"][0]["field"] == "sku"


async def test_the_simple_payload_makes_a_book_here_too(client: httpx.AsyncClient, seller: Caller) -> None:
    simple = {"title": "The Hobbit", "author": "J.R.R. Tolkien", "isbn": "0261102214", "price": 9}
    answer = await client.post(ITEMS, json=simple, headers=seller.headers)
    assert answer.status_code == 201
    assert answer.json()["kind"] == "book"
    book = await client.get(f"/api/v1/books/{answer.json()['id']}")
    assert (book.json()["isbn"], book.json()["author"]) == ("9780261102217", "J.R.R. Tolkien")


async def test_a_bad_isbn_or_a_pen_with_an_author_is_refused(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    for body in ({**PEN, "author": "Ada"}, {"title": "T", "price": 1, "isbn": "9780261102218"}):
        answer = await client.post(ITEMS, json=body, headers=seller.headers)
        assert answer.status_code == 422, body


async def test_put_replaces_and_patch_changes(client: httpx.AsyncClient, seller: Caller) -> None:
    item = await create(client, seller, sku="ST-0001", description="Black.")
    path = f"{ITEMS}/{item['id']}"
    patched = await client.patch(path, json={"kind": "gift", "quantity": 0}, headers=seller.headers)
    assert patched.json() == {
        **item,
        "kind": "gift",
        "quantity": 0,
        "on_hand": 0,
        "version": 2,
        "updated_at": IsStr(),
    }
    replaced = await client.put(path, json={"title": "Pen", "price": 1}, headers=seller.headers)
    body = replaced.json()
    assert (body["title"], body["sku"], body["description"], body["tags"], body["quantity"]) == (
        "Pen",
        None,
        None,
        [],
        0,
    )
    assert body["kind"] == "gift"


async def test_a_book_stays_a_book(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = await create(client, seller)
    book = await create(client, seller, kind="book")
    for item, kind in ((pen, "book"), (book, "gift")):
        path = f"{ITEMS}/{item['id']}"
        for method, body in (("PATCH", {"kind": kind}), ("PUT", {**PEN, "kind": kind})):
            answer = await client.request(method, path, json=body, headers=seller.headers)
            assert (answer.status_code, answer.json()["code"]) == (409, "kind-fixed")
    assert (
        await client.patch(f"/api/v1/books/{pen['id']}", json={"price": 2}, headers=seller.headers)
    ).json()["code"] == "book-not-found"


async def test_replacing_a_book_as_an_item_keeps_what_only_books_have(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    full = {"title": "The Hobbit", "isbn": "0261102214", "author": "J.R.R. Tolkien", "price": 9, "pages": 310}
    book = (await client.post("/api/v1/books", json=full, headers=seller.headers)).json()
    path = f"{ITEMS}/{book['id']}"
    await client.put(path, json={"title": "Hobbit", "price": 8}, headers=seller.headers)
    kept = (await client.get(f"/api/v1/books/{book['id']}")).json()
    assert (kept["title"], kept["isbn"], kept["pages"]) == ("Hobbit", "9780261102217", 310)
    simple = {"title": "Hobbit", "price": 8, "author": "Tolkien", "isbn": "9783608939811"}
    assert (await client.put(path, json=simple, headers=seller.headers)).status_code == 200
    changed = (await client.get(f"/api/v1/books/{book['id']}")).json()
    assert (changed["author"], changed["isbn"], changed["version"]) == ("Tolkien", "9783608939811", 3)


async def test_only_the_owner_or_a_moderator_may_touch_an_item(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    path = f"{ITEMS}/{(await create(client, seller))['id']}"
    stranger = await sign_up()
    assert (await client.patch(path, json={}, headers=stranger.headers)).status_code == 403
    assert (await client.delete(path, headers=stranger.headers)).status_code == 403
    assert (await client.post(ITEMS, json=PEN)).status_code == 401
    assert (await client.delete(path, headers=moderator.headers)).status_code == 204
    gone = await client.patch(path, json={}, headers=seller.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "item-not-found")


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["Atlas", "blotter", "Éclair", "Pen"]),
        ("sort=-title", ["Pen", "Éclair", "blotter", "Atlas"]),
        ("sort=-price,title", ["Pen", "Atlas", "blotter", "Éclair"]),
        ("sort=created_at", ["Pen", "Atlas", "Éclair", "blotter"]),
        ("kind=stationery", ["blotter", "Pen"]),
        ("tags=sale", ["Atlas", "Pen"]),
        ("tags=SALE,Blue", ["Pen"]),
        ("tags=sale&tags=blue", ["Pen"]),
        ("min_price=2&max_price=3", ["Atlas"]),
        ("in_stock=true", ["Atlas", "Pen"]),
        ("in_stock=false", ["blotter", "Éclair"]),
        ("search=ECLAIR", ["Éclair"]),
        ("search=t", ["Atlas", "blotter"]),
        ("search=%25", []),
        ("search=_", []),
        ("search=％", []),
        ("search=＿", []),
    ],
)
async def test_lists_are_filtered_and_sorted(
    client: httpx.AsyncClient, seller: Caller, query: str, titles: list[str]
) -> None:
    for fields in (
        {"title": "Pen", "price": 5, "quantity": 1, "tags": ["sale", "blue"]},
        {"title": "Atlas", "price": 3, "quantity": 2, "tags": ["sale"], "kind": "other"},
        {"title": "Éclair", "price": 1, "quantity": 0, "tags": [], "kind": "gift"},
        {"title": "blotter", "price": 1, "quantity": 0, "tags": []},
    ):
        await create(client, seller, **fields)
    answer = await client.get(f"{ITEMS}?{query}")
    assert answer.status_code == 200, answer.text
    assert [item["title"] for item in answer.json()["items"]] == titles
    assert answer.json()["total"] == len(titles)
