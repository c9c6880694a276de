"""Bundles are sold as one line; what stock they take is that of their parts."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from dirty_equals import IsInt, IsStr
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Item
from tests.conftest import Audit, Caller, SignUp
from tests.factories import OFFERS, a_book, an_item, an_offer


async def test_a_bundle_comes_back_as_it_was_sent(client: httpx.AsyncClient, seller: Caller) -> None:
    pen, ink = (
        await an_item(client, seller, "Pen", quantity=5),
        await an_item(client, seller, "Ink", quantity=9),
    )
    body = {
        "name": "  Féder & Tinte  ",
        "description": "All that one needs.",
        "price": 27.5,
        "items": [{"item_id": ink["id"], "quantity": 2}, {"item_id": pen["id"]}],
    }
    answer = await client.post(OFFERS, json=body, headers=seller.headers)
    assert answer.status_code == 201, answer.text
    offer = answer.json()
    assert answer.headers["location"] == f"{OFFERS}/{offer['id']}"
    assert offer == {
        "id": IsInt,
        "name": "Féder & Tinte",
        "description": "All that one needs.",
        "price": 27.5,
        "currency": "EUR",
        "quantity": 4,
        "sale_policy": "in_stock",
        "on_sale_at": None,
        "items": [
            {
                "item_id": ink["id"],
                "title": "Ink",
                "kind": "stationery",
                "quantity": 2,
                "price": 10,
                "available": 9,
                "cover": None,
            },
            {
                "item_id": pen["id"],
                "title": "Pen",
                "kind": "stationery",
                "quantity": 1,
                "price": 10,
                "available": 5,
                "cover": None,
            },
        ],
        "pictures": [],
        "owner_id": seller.id,
        "is_active": True,
        "version": 1,
        "created_at": IsStr(regex=r".*Z"),
        "updated_at": IsStr(regex=r".*Z"),
    }
    read = await client.get(f"{OFFERS}/{offer['id']}")
    assert read.json() == offer
    assert (
        await client.get(f"{OFFERS}/{offer['id']}", headers={"If-None-Match": read.headers["etag"]})
    ).status_code == 304
    item = (await client.get(f"/api/v1/items/{offer['id']}", headers=seller.headers)).json()
    told = {name: item[name] for name in ("kind", "title", "price", "quantity", "on_hand", "sale_policy")}
    assert told == {
        "kind": "bundle",
        "title": "Féder & Tinte",
        "price": 27.5,
        "quantity": 4,
        "on_hand": 0,
        "sale_policy": "in_stock",
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 501}, "name"),
        ({"name": None}, "name"),
        ({"price": 0}, "price"),
        ({"price": -1}, "price"),
        ({"price": None}, "price"),
        ({"price": 9.999}, "price"),
        ({"price": "9"}, "price"),
        ({"price": 1_000_001}, "price"),
        ({"items": []}, "items"),
        ({"items": None}, "items"),
        ({"items": [{"item_id": 1}, {"item_id": 1, "quantity": 3}]}, "items"),
        ({"items": [{"item_id": number} for number in range(1, 22)]}, "items"),
        ({"items": [{"item_id": 1, "quantity": 0}]}, "items.0.quantity"),
        ({"items": [{"item_id": 1, "quantity": 101}]}, "items.0.quantity"),
        ({"items": [{"item_id": 1, "quantity": 1.5}]}, "items.0.quantity"),
        ({"items": [{"item_id": 0}]}, "items.0.item_id"),
        ({"items": [{"quantity": 1}]}, "items.0.item_id"),
        ({"quantity": 5}, "quantity"),
    ],
)
async def test_a_bad_bundle_is_refused_by_its_field(
    client: httpx.AsyncClient, seller: Caller, change: Mapping[str, Any], field: str
) -> None:
    body = {"name": "Set", "price": 15, "items": [{"item_id": 1, "quantity": 2}], **change}
    answer = await client.post(OFFERS, json=body, headers=seller.headers)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_only_goods_on_sale_of_ones_own_are_parts(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=2)
    hidden = await an_item(client, seller, "Hidden", is_active=False)
    foreign = await an_item(client, seller, "Foreign")
    await session.execute(update(Item).where(Item.id == foreign["id"]).values(currency="USD"))
    other = await sign_up()
    theirs = await an_item(client, other, "Theirs")
    their_hidden = await an_item(client, other, "Their hidden", is_active=False)
    offer = await an_offer(client, seller, (pen, 2))

    async def refused(caller: Caller, item_id: int) -> tuple[int, str, str]:
        body = {"name": "Set", "price": 15, "items": [{"item_id": pen["id"]}, {"item_id": item_id}]}
        answer = await client.post(OFFERS, json=body, headers=caller.headers)
        changed = await client.patch(f"{OFFERS}/{offer['id']}", json=body, headers=caller.headers)
        assert (changed.status_code, changed.json()["code"]) == (answer.status_code, answer.json()["code"])
        problem = answer.json()
        return answer.status_code, problem["code"], (problem.get("errors") or [{"field": ""}])[0]["field"]

    for item_id, code in (
        (offer["id"], "unfit-part"),
        (hidden["id"], "unfit-part"),
        (foreign["id"], "unfit-part"),
        (their_hidden["id"], "unknown-item"),
        (10**12, "unknown-item"),
    ):
        assert await refused(seller, item_id) == (409, code, "items.1.item_id")
    assert await refused(seller, theirs["id"]) == (403, "not-your-item", "")
    # A moderator bundles anybody's.
    mixed = await an_offer(client, moderator, (pen, 1), (theirs, 1))
    assert mixed["owner_id"] == moderator.id
    assert (await client.get(f"{OFFERS}/{offer['id']}")).json()["version"] == 1


async def test_a_bundle_is_changed_by_its_owner_on_what_was_read(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, audit: Audit
) -> None:
    pen, ink = (
        await an_item(client, seller, "Pen", quantity=5),
        await an_item(client, seller, "Ink", quantity=9),
    )
    offer = await an_offer(client, seller, (pen, 1))
    path = f"{OFFERS}/{offer['id']}"
    tag = (await client.get(path)).headers["etag"]

    async def patch(body: object, caller: Caller = seller, match: str = "*") -> httpx.Response:
        return await client.patch(path, json=body, headers={**caller.headers, "If-Match": match})

    answer = await patch({"items": [{"item_id": ink["id"], "quantity": 3}]}, match=tag)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["quantity"], told["version"], told["name"]) == (3, 2, "Set")
    assert (await client.get(path)).json() == told
    assert (await patch({"name": "New"}, match=tag)).status_code == 412
    assert (await patch({})).json()["version"] == 2
    assert (await patch({"name": "New", "price": 12.34, "description": None})).json()["price"] == 12.34
    assert (await client.get(f"/api/v1/items/{offer['id']}")).json()["title"] == "New"
    for field in ("name", "price", "items", "is_active"):
        assert (await patch({field: None})).status_code == 422
    stranger = await sign_up()
    assert (await patch({"name": "Mine"}, stranger)).json()["code"] == "not-your-item"
    assert (await client.delete(path, headers=stranger.headers)).status_code == 403
    parts = [{"item_id": pen["id"], "quantity": 2}, {"item_id": ink["id"], "quantity": 1}]
    assert (await patch({"items": parts}, moderator)).status_code == 200
    [entry] = await audit(action="item.changed")
    assert entry["changes"] == {"items": [[[ink["id"], 3]], [[pen["id"], 2], [ink["id"], 1]]]}
    assert (await patch({"is_active": False})).json()["is_active"] is False
    assert (await client.get(path)).status_code == 404
    assert (await client.get(path, headers=stranger.headers)).json()["code"] == "offer-not-found"
    assert (await client.get(path, headers=seller.headers)).status_code == 200
    assert (await client.get(OFFERS)).json()["total"] == 0
    assert (await patch({"name": "Theirs"}, stranger)).status_code == 404
    assert (await client.delete(path, headers=seller.headers)).status_code == 204
    assert (await client.get(path, headers=seller.headers)).status_code == 404
    assert (await client.get(f"/api/v1/items/{pen['id']}")).status_code == 200


async def test_what_is_no_bundle_is_not_found(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = await an_item(client, seller)
    for item_id in (pen["id"], 10**12):
        path = f"{OFFERS}/{item_id}"
        answers = [
            await client.get(path),
            await client.patch(path, json={"price": 3}, headers=seller.headers),
            await client.delete(path, headers=seller.headers),
        ]
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "offer-not-found")] * 3
    assert (await client.get(f"{OFFERS}/0")).status_code == 422


async def test_a_part_stays_while_a_bundle_has_it(client: httpx.AsyncClient, seller: Caller) -> None:
    pen, book = await an_item(client, seller, quantity=2), await a_book(client, seller, quantity=2)
    offer = await an_offer(client, seller, (pen, 1), (book, 1))
    for path in (f"/api/v1/items/{pen['id']}", f"/api/v1/books/{book['id']}"):
        answer = await client.delete(path, headers=seller.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "item-in-offer"), answer.text
    only_pen = {"items": [{"item_id": pen["id"], "quantity": 1}]}
    await client.patch(f"{OFFERS}/{offer['id']}", json=only_pen, headers=seller.headers)
    assert (await client.delete(f"/api/v1/books/{book['id']}", headers=seller.headers)).status_code == 204
    assert (await client.delete(f"/api/v1/items/{offer['id']}", headers=seller.headers)).status_code == 204
    assert (await client.delete(f"/api/v1/items/{pen['id']}", headers=seller.headers)).status_code == 204


async def test_a_bundle_is_made_and_stocked_only_as_a_bundle(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=2)
    offer = await an_offer(client, seller, (pen, 1))
    of_pen, of_offer = [f"/api/v1/items/{one['id']}" for one in (pen, offer)]
    answer = await client.post(
        "/api/v1/items", json={"title": "Set", "price": 5, "kind": "bundle"}, headers=seller.headers
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "kind")
    for path, body, status in (
        (of_pen, {"kind": "bundle"}, 422),
        (of_offer, {"kind": "gift"}, 409),
        (of_offer, {"kind": "book"}, 409),
        (of_offer, {"quantity": 3}, 409),
        (of_offer, {"tags": ["gift"], "price": 9}, 200),
    ):
        assert (await client.patch(path, json=body, headers=seller.headers)).status_code == status, body
    whole = {"title": "Set", "price": 5}
    answer = await client.put(of_offer, json=whole, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "quantity-not-settable")
    inventory = f"/api/v1/inventory/{offer['id']}"
    assert (await client.get(inventory, headers=moderator.headers)).status_code == 404
    assert (await client.get("/api/v1/inventory", headers=moderator.headers)).json()["total"] == 1
    proof = (await client.get("/api/v1/admin/inventory/reconcile", headers=moderator.headers)).json()
    assert (proof["is_sound"], proof["items"]) == (True, 1)


async def test_bundles_are_listed_by_what_buyers_look_for(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    other = await sign_up()
    pen, ink = await an_item(client, seller, "Pen", quantity=2), await an_item(client, other, "Ink")
    await an_offer(client, seller, (pen, 1), name="Starter", price=20)
    await an_offer(client, seller, (pen, 3), name="Three pens", price=9)
    await an_offer(client, other, (ink, 2), name="Ink twice", price=15)

    async def names(**query: Any) -> list[str]:
        answer = await client.get(OFFERS, params=query)
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["items"]]

    assert await names() == ["Ink twice", "Starter", "Three pens"]
    assert await names(sort="-price") == ["Starter", "Ink twice", "Three pens"]
    assert await names(item_id=pen["id"]) == ["Starter", "Three pens"]
    assert await names(owner_id=other.id) == ["Ink twice"]
    assert await names(search="pens") == ["Three pens"]
    assert await names(in_stock="true") == ["Starter"]
    assert await names(max_price=16, in_stock="false") == ["Ink twice", "Three pens"]
    first = (await client.get(OFFERS, params={"limit": 2})).json()
    assert (first["total"], len(first["items"])) == (3, 2)
    assert await names(limit=2, cursor=first["next_cursor"]) == ["Three pens"]
    assert (await client.get(OFFERS, params={"kind": "gift"})).status_code == 422


async def test_a_bundle_shows_the_pictures_of_its_items(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    pen, ink = await an_item(client, seller, "Pen"), await an_item(client, seller, "Ink")
    shown = [{"name": f"picture{number}", "width": 80, "height": 120} for number in range(3)]
    for item, pictures in ((pen, shown[:2]), (ink, shown[2:])):
        await session.execute(update(Item).where(Item.id == item["id"]).values(pictures=pictures))
    offer = await an_offer(client, seller, (ink, 1), (pen, 1))
    assert [one["name"] for one in offer["pictures"]] == ["picture2", "picture0"]
    assert offer["items"][1]["cover"]["urls"]["s"].endswith("/picture0-s.webp")
    item = (await client.get(f"/api/v1/items/{offer['id']}")).json()
    assert [one["name"] for one in item["pictures"]] == ["picture2", "picture0"]


async def test_the_same_key_makes_one_bundle(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = await an_item(client, seller)
    body = {"name": "Set", "price": 15, "items": [{"item_id": pen["id"], "quantity": 2}]}
    headers = {**seller.headers, "Idempotency-Key": "once"}
    first, again = [await client.post(OFFERS, json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert (await client.get(OFFERS)).json()["total"] == 1


async def test_a_part_is_deleted_or_bundled_but_never_both(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    for _ in range(4):
        pen = await an_item(live_client, seller, quantity=2)
        body = {"name": "Set", "price": 15, "items": [{"item_id": pen["id"], "quantity": 2}]}
        offered, deleted = await asyncio.gather(
            live_client.post(OFFERS, json=body, headers=seller.headers),
            live_client.delete(f"/api/v1/items/{pen['id']}", headers=seller.headers),
        )
        assert (offered.status_code, deleted.status_code) in {(201, 409), (409, 204)}
