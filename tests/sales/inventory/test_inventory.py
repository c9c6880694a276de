"""Stock moves through one ledger, which always explains what there is."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.catalog.models import StockLevel
from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.sales.inventory.jobs import reconcile_stock
from app.sales.inventory.queries import count_mismatches
from tests.conftest import Caller, SignUp, events_of
from tests.factories import a_book, an_item, once

STOCK = "/api/v1/inventory"
RECEIPTS = f"{STOCK}/receipts"
RECONCILE = "/api/v1/admin/inventory/reconcile"


async def adjust(
    client: httpx.AsyncClient, staff: Caller, item: Mapping[str, Any], delta: int, reason: str = "Counted"
) -> httpx.Response:
    path = f"{STOCK}/{item['id']}/adjust"
    return await client.post(path, json={"delta": delta, "reason": reason}, headers=once(staff))


async def receive(client: httpx.AsyncClient, staff: Caller, *lines: tuple[int, int]) -> httpx.Response:
    named = [{"item_id": item_id, "quantity": quantity} for item_id, quantity in lines]
    return await client.post(RECEIPTS, json={"lines": named, "reason": "Note 7"}, headers=once(staff))


async def stock_of(client: httpx.AsyncClient, staff: Caller, item: Mapping[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{STOCK}/{item['id']}", headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def reserve(session: AsyncSession, item: Mapping[str, Any], quantity: int) -> None:
    """Nothing reserves by the API yet."""
    await session.execute(
        update(StockLevel).where(StockLevel.item_id == item["id"]).values(reserved=quantity)
    )


async def is_sound(client: httpx.AsyncClient, staff: Caller) -> bool:
    return bool((await client.get(RECONCILE, headers=staff.headers)).json()["is_sound"])


async def test_an_adjustment_moves_stock_and_stands_in_the_ledger(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=12)
    answer = await adjust(client, moderator, pen, -2, "Damaged in the shop window")
    assert answer.status_code == 201, answer.text
    entry = answer.json()
    assert {
        name: entry[name] for name in ("item_id", "kind", "delta", "balance_after", "reason", "actor_id")
    } == {
        "item_id": pen["id"],
        "kind": "adjustment",
        "delta": -2,
        "balance_after": 10,
        "reason": "Damaged in the shop window",
        "actor_id": moderator.id,
    }
    listed = (await client.get(f"{STOCK}/{pen['id']}/movements", headers=moderator.headers)).json()
    assert [(one["kind"], one["delta"], one["balance_after"]) for one in listed["items"]] == [
        ("adjustment", -2, 10),
        ("initial", 12, 12),
    ]
    only = {"kind": "initial"}
    listed = await client.get(f"{STOCK}/{pen['id']}/movements", params=only, headers=moderator.headers)
    assert listed.json()["total"] == 1
    assert (await client.get(f"/api/v1/items/{pen['id']}")).json()["quantity"] == 10
    assert await is_sound(client, moderator)


async def test_what_is_reserved_or_not_there_cannot_be_taken(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=5)
    await reserve(session, pen, 3)
    answer = await adjust(client, moderator, pen, -3)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "insufficient-stock")
    assert problem["lines"] == [{"item_id": pen["id"], "available": 2}]
    stock = await stock_of(client, moderator, pen)
    assert (stock["on_hand"], stock["reserved"], stock["available"], stock["version"]) == (5, 3, 2, 1)
    assert (await adjust(client, moderator, pen, -2)).status_code == 201
    assert (await adjust(client, moderator, pen, -1)).json()["lines"][0]["available"] == 0


async def test_nothing_has_more_than_a_million_on_hand(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen, ink = await an_item(client, seller, quantity=LARGEST_QUANTITY), await an_item(client, seller, "Ink")
    assert (await adjust(client, moderator, pen, 1)).json()["code"] == "stock-too-high"
    answer = await receive(client, moderator, (ink["id"], 3), (pen["id"], 1))
    assert (answer.status_code, answer.json()["code"]) == (409, "stock-too-high")
    assert (await stock_of(client, moderator, ink))["on_hand"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"delta": 0, "reason": "x"}, "delta"),
        ({"delta": 1}, "reason"),
        ({"delta": 1, "reason": " "}, "reason"),
        ({"delta": 1.5, "reason": "x"}, "delta"),
        ({"delta": "1", "reason": "x"}, "delta"),
        ({"delta": -(10**7), "reason": "x"}, "delta"),
        ({"delta": 1, "reason": "x" * 201}, "reason"),
        ({"delta": 1, "reason": "x", "kind": "receipt"}, "kind"),
    ],
)
async def test_a_bad_adjustment_is_refused_by_its_field(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, body: dict[str, Any], field: str
) -> None:
    pen = await an_item(client, seller)
    answer = await client.post(f"{STOCK}/{pen['id']}/adjust", json=body, headers=once(moderator))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_a_receipt_comes_whole_and_adds_up_an_item_that_it_names_twice(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen, book = await an_item(client, seller, quantity=1), await a_book(client, seller)
    answer = await receive(client, moderator, (book["id"], 2), (pen["id"], 4), (book["id"], 3))
    assert answer.status_code == 201, answer.text
    told = [(one["item_id"], one["kind"], one["delta"], one["reason"]) for one in answer.json()["movements"]]
    assert told == [(pen["id"], "receipt", 4, "Note 7"), (book["id"], "receipt", 5, "Note 7")]
    assert (await client.get(f"/api/v1/books/{book['id']}")).json()["quantity"] == 5
    answer = await receive(client, moderator, (pen["id"], 1), (10**12, 1))
    assert (answer.status_code, answer.json()["code"]) == (409, "unknown-item")
    assert answer.json()["errors"][0]["field"] == "lines.1.item_id"
    assert (await stock_of(client, moderator, pen))["on_hand"] == 5
    assert await is_sound(client, moderator)


@pytest.mark.parametrize(
    "lines", [[], [{"item_id": 1, "quantity": 0}], [{"item_id": 1, "quantity": 1}] * 1001]
)
async def test_a_receipt_without_goods_is_refused(
    client: httpx.AsyncClient, moderator: Caller, lines: list[dict[str, int]]
) -> None:
    answer = await client.post(RECEIPTS, json={"lines": lines}, headers=once(moderator))
    assert answer.status_code == 422


async def test_what_moves_stock_needs_a_key_and_happens_once(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller)
    path, body = f"{STOCK}/{pen['id']}/adjust", {"delta": 3, "reason": "Found"}
    answer = await client.post(path, json=body, headers=moderator.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")
    headers = once(moderator)
    first, again = [await client.post(path, json=body, headers=headers) for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert (await stock_of(client, moderator, pen))["on_hand"] == 3


async def test_who_may_not_run_the_shop_sees_no_exact_stock(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    pen = await an_item(client, seller)
    for method, path in (
        ("GET", STOCK),
        ("GET", f"{STOCK}/{pen['id']}"),
        ("POST", RECEIPTS),
        ("GET", RECONCILE),
    ):
        assert (await client.request(method, path, headers=seller.headers)).status_code == 403
        assert (await client.request(method, path)).status_code == 401


async def test_an_item_that_is_not_there_is_not_found(client: httpx.AsyncClient, moderator: Caller) -> None:
    for path in (f"{STOCK}/{10**12}", f"{STOCK}/{10**12}/movements"):
        answer = await client.get(path, headers=moderator.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "item-not-found")
    assert (await adjust(client, moderator, {"id": 10**12}, 1)).json()["code"] == "item-not-found"
    answer = await client.patch(f"{STOCK}/{10**12}", json={}, headers=moderator.headers)
    assert answer.status_code == 404


async def test_the_stock_is_listed_by_what_staff_look_for(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, "Pen", quantity=2, sku="ST-000001")
    await an_item(client, seller, "Ink", quantity=9)
    await a_book(client, seller, "Pens and Ink")
    patched = await client.patch(
        f"{STOCK}/{pen['id']}", json={"low_stock_threshold": 2}, headers=moderator.headers
    )
    assert patched.json()["is_low"] is True

    async def titles(**query: str) -> list[str]:
        answer = await client.get(STOCK, params=query, headers=moderator.headers)
        assert answer.status_code == 200, answer.text
        return [one["title"] for one in answer.json()["items"]]

    assert await titles() == ["Ink", "Pen", "Pens and Ink"]
    assert await titles(sort="-available,title") == ["Ink", "Pen", "Pens and Ink"]
    assert await titles(is_low="true") == ["Pen"]
    assert await titles(is_low="false") == ["Ink", "Pens and Ink"]
    assert await titles(in_stock="false") == ["Pens and Ink"]
    assert await titles(in_stock="true", search="pen") == ["Pen"]
    assert await titles(kind="book") == ["Pens and Ink"]
    assert await titles(sku="ST-000001") == ["Pen"]
    first = await client.get(STOCK, params={"limit": 2, "sort": "available"}, headers=moderator.headers)
    cursor = {"limit": 2, "sort": "available", "cursor": first.json()["next_cursor"]}
    rest = await client.get(STOCK, params=cursor, headers=moderator.headers)
    assert [one["title"] for one in first.json()["items"] + rest.json()["items"]] == [
        "Pens and Ink",
        "Pen",
        "Ink",
    ]


async def test_a_threshold_is_changed_on_what_was_read(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=3)
    path = f"{STOCK}/{pen['id']}"
    tag = (await client.get(path, headers=moderator.headers)).headers["etag"]
    await adjust(client, moderator, pen, 1)
    stale = {**moderator.headers, "If-Match": tag}
    answer = await client.patch(path, json={"low_stock_threshold": 1}, headers=stale)
    assert (answer.status_code, answer.json()["code"]) == (412, "stale-version")
    for threshold, status in ((1, 200), (None, 200), (-1, 422), (True, 422)):
        answer = await client.patch(path, json={"low_stock_threshold": threshold}, headers=moderator.headers)
        assert answer.status_code == status, answer.text
    assert (await stock_of(client, moderator, pen))["low_stock_threshold"] is None


async def test_crossing_a_threshold_is_announced_once_in_each_direction(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=5)
    await client.patch(f"{STOCK}/{pen['id']}", json={"low_stock_threshold": 2}, headers=moderator.headers)

    async def announced() -> list[tuple[str, int]]:
        kinds = ("stock.low", "stock.out", "stock.back")
        events = [(kind, one["available"]) for kind in kinds for one in await events_of(session, kind)]
        await session.execute(text("DELETE FROM outbox_events"))
        return events

    await announced()
    for delta, expected in (
        (-2, []),
        (-1, [("stock.low", 2)]),
        (-1, []),
        (+1, []),
        (+3, []),
        (-4, [("stock.low", 1)]),
        (-1, [("stock.out", 0)]),
        (+1, [("stock.back", 1)]),
        (-1, [("stock.out", 0)]),
    ):
        assert (await adjust(client, moderator, pen, delta)).status_code == 201
        assert await announced() == expected, delta
    # Whoever edits the quantity goes through the same ledger.
    await client.patch(f"/api/v1/items/{pen['id']}", json={"quantity": 9}, headers=seller.headers)
    assert await announced() == [("stock.back", 9)]


async def test_what_was_written_past_the_ledger_is_found(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen, ink = await an_item(client, seller, quantity=4), await an_item(client, seller, "Ink", quantity=1)
    await session.execute(update(StockLevel).where(StockLevel.item_id == pen["id"]).values(on_hand=7))
    await reserve(session, ink, 1)
    found = (await client.get(RECONCILE, headers=moderator.headers)).json()
    assert (found["is_sound"], found["mismatches"]) == (False, 2)
    assert found["first"] == [
        {"item_id": pen["id"], "on_hand": 7, "moved": 4, "reserved": 0, "reserved_moved": 0, "promised": 0},
        {"item_id": ink["id"], "on_hand": 1, "moved": 1, "reserved": 1, "reserved_moved": 0, "promised": 0},
    ]


async def test_the_daily_proof_is_kept_for_the_gauge(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    pen = await an_item(live_client, await live_sign_up(), quantity=4)
    state = live_app.state

    async def prove() -> int | None:
        async with transaction(state.database, state.cache) as session:
            await reconcile_stock(session)
        async with state.database.reading() as connection:
            return await count_mismatches(connection)

    async with state.database.reading() as connection:
        assert await count_mismatches(connection) is None
    assert await prove() == 0
    async with state.database.sessions.begin() as session:
        await session.execute(update(StockLevel).where(StockLevel.item_id == pen["id"]).values(on_hand=3))
    assert await prove() == 1


async def test_of_many_who_take_the_last_copies_only_so_many_get_one(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    staff = await live_sign_up(Role.MODERATOR)
    pen, ink = [await an_item(live_client, staff, title, quantity=5) for title in ("Pen", "Ink")]
    takes = [adjust(live_client, staff, pen, -1) for _ in range(12)]
    # The same two items in either order: whoever locks in the order of the ids meets no deadlock.
    brings = [
        receive(live_client, staff, *(lines if number % 2 else lines[::-1]))
        for number in range(8)
        for lines in [[(pen["id"], 1), (ink["id"], 1)]]
    ]
    answers = await asyncio.gather(*takes, *brings)
    taken = [one.status_code for one in answers[:12]]
    assert {one.status_code for one in answers[12:]} == {201}
    assert set(taken) <= {201, 409}
    left = (await stock_of(live_client, staff, pen))["on_hand"]
    assert left == 5 + 8 - taken.count(201)
    assert left >= 0
    assert (await stock_of(live_client, staff, ink))["on_hand"] == 13
    assert await is_sound(live_client, staff)
    async with live_app.state.database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM stock_movements")) == 2 + taken.count(201) + 16
        assert await session.scalar(text("SELECT min(balance_after) FROM stock_movements")) >= 0
