"""Stock-takes: what is counted beside what was there, and the difference written once."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.identity.permissions import Role
from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_category, an_item, an_offer, an_order, made, once

COUNTS = "/api/v1/inventory/counts"
ISBN = "9780261102217"


async def a_count(client: httpx.AsyncClient, staff: Caller, **fields: Any) -> dict[str, Any]:
    return await made(client, staff, COUNTS, fields)


async def scan(
    client: httpx.AsyncClient, staff: Caller, count: Mapping[str, Any], **body: Any
) -> httpx.Response:
    return await client.post(f"{COUNTS}/{count['id']}/scan", json=body, headers=staff.headers)


async def put(
    client: httpx.AsyncClient, staff: Caller, count: Mapping[str, Any], item: Mapping[str, Any], counted: int
) -> httpx.Response:
    path = f"{COUNTS}/{count['id']}/items/{item['id']}"
    return await client.put(path, json={"counted": counted}, headers=staff.headers)


async def end(
    client: httpx.AsyncClient, staff: Caller, count: Mapping[str, Any], how: str = "commit"
) -> httpx.Response:
    return await client.post(f"{COUNTS}/{count['id']}/{how}", headers=staff.headers)


async def read(client: httpx.AsyncClient, staff: Caller, count: Mapping[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{COUNTS}/{count['id']}", headers=staff.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def on_hand(client: httpx.AsyncClient, staff: Caller, item: Mapping[str, Any]) -> int:
    stock = (await client.get(f"/api/v1/inventory/{item['id']}", headers=staff.headers)).json()
    return int(stock["on_hand"])


async def sell(client: httpx.AsyncClient, staff: Caller, item: Mapping[str, Any], quantity: int) -> None:
    body = {"lines": [{"item_id": item["id"], "quantity": quantity}], "payment": "card"}
    answer = await client.post("/api/v1/till/sales", json=body, headers=once(staff))
    assert answer.status_code == 201, answer.text


async def is_sound(client: httpx.AsyncClient, staff: Caller) -> bool:
    answer = await client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    return bool(answer.json()["is_sound"])


async def test_a_stock_takes_whole_way(client: httpx.AsyncClient, seller: Caller, moderator: Caller) -> None:
    pen = await an_item(client, seller, quantity=5, sku="ST-0001")
    book = await a_book(client, seller, "Überall", isbn=ISBN, quantity=3)
    ink = await an_item(client, seller, "Ink", quantity=7)
    count = await a_count(client, moderator, name="Regal 3")
    assert (count["status"], count["items"], count["lines"], count["opened_by"]) == (
        "open",
        0,
        [],
        moderator.id,
    )
    first = await scan(client, moderator, count, code="st-0001")
    assert first.status_code == 200, first.text
    assert {name: first.json()[name] for name in ("item_id", "counted", "expected", "variance")} == {
        "item_id": pen["id"],
        "counted": 1,
        "expected": 5,
        "variance": -4,
    }
    assert (await scan(client, moderator, count, item_id=pen["id"], quantity=3)).json()["counted"] == 4
    for code in (f"{ISBN} 51299", "0-261-10221-4", ISBN):
        await scan(client, moderator, count, code=code)
    assert (await put(client, moderator, count, ink, 9)).json()["variance"] == 2
    shown = await read(client, moderator, count)
    assert (shown["items"], shown["variances"]) == (3, 2)
    assert [
        (line["title"], line["counted"], line["expected"], line["variance"]) for line in shown["lines"]
    ] == [
        ("Ink", 9, 7, 2),
        ("Pen", 4, 5, -1),
        ("Überall", 3, 3, 0),
    ]
    assert await on_hand(client, moderator, pen) == 5
    done = await end(client, moderator, count)
    assert done.status_code == 200, done.text
    assert (done.json()["status"], done.json()["closed_by"]) == ("committed", moderator.id)
    assert [line["moved_since"] for line in done.json()["lines"]] == [None] * 3
    assert [await on_hand(client, moderator, item) for item in (pen, book, ink)] == [4, 3, 9]
    moved = await client.get(f"/api/v1/inventory/{pen['id']}/movements", headers=moderator.headers)
    entry = moved.json()["items"][0]
    assert (entry["kind"], entry["delta"], entry["actor_id"]) == ("adjustment", -1, moderator.id)
    assert entry["reason"] == f"Stock-take {count['id']}: Regal 3"
    unmoved = await client.get(f"/api/v1/inventory/{book['id']}/movements", headers=moderator.headers)
    assert unmoved.json()["total"] == 1
    assert await is_sound(client, moderator)
    for how in ("commit", "cancel"):
        again = await end(client, moderator, count, how)
        assert (again.status_code, again.json()["code"]) == (409, "count-closed")
    late = await scan(client, moderator, count, item_id=pen["id"])
    assert (late.status_code, late.json()["code"]) == (409, "count-closed")
    assert (await put(client, moderator, count, pen, 1)).status_code == 409


async def test_what_is_sold_after_the_count_is_no_variance(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=10)
    count = await a_count(client, moderator)
    await put(client, moderator, count, pen, 9)
    await sell(client, moderator, pen, 4)
    [line] = (await read(client, moderator, count))["lines"]
    assert (line["counted"], line["expected"], line["variance"], line["moved_since"]) == (9, 10, -1, -4)
    # The last scan takes the measure anew.
    line = (await put(client, moderator, count, pen, 5)).json()
    assert (line["counted"], line["expected"], line["variance"], line["moved_since"]) == (5, 6, -1, 0)
    await sell(client, moderator, pen, 2)
    await end(client, moderator, count)
    assert await on_hand(client, moderator, pen) == 3
    assert await is_sound(client, moderator)


async def test_fewer_than_are_reserved_cannot_be_there_and_nothing_is_written(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    pen, ink = await an_item(client, seller, quantity=5), await an_item(client, seller, "Ink", quantity=5)
    order = await an_order(client, await sign_up(), (pen, 3))
    count = await a_count(client, moderator)
    await put(client, moderator, count, ink, 4)
    await put(client, moderator, count, pen, 2)
    refused = await end(client, moderator, count)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "count-refused")
    assert problem["lines"] == [
        {"item_id": pen["id"], "counted": 2, "expected": 5, "on_hand": 5, "reserved": 3}
    ]
    assert await on_hand(client, moderator, ink) == 5
    assert (await read(client, moderator, count))["status"] == "open"
    await client.post(f"/api/v1/orders/{order['number']}/cancel", headers=once(moderator))
    assert (await end(client, moderator, count)).status_code == 200
    assert [await on_hand(client, moderator, item) for item in (pen, ink)] == [2, 4]


async def test_a_cancelled_count_changes_nothing(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=5)
    count = await a_count(client, moderator)
    await put(client, moderator, count, pen, 0)
    cancelled = await end(client, moderator, count, "cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert await on_hand(client, moderator, pen) == 5
    assert (await end(client, moderator, count)).json()["code"] == "count-closed"


async def test_only_what_is_in_scope_is_counted(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    office = await a_category(client, moderator, "Office")
    pens = await a_category(client, moderator, "Pens", parent_id=office["id"])
    pen = await an_item(client, seller, quantity=5, category_ids=[pens["id"]])
    ink = await an_item(client, seller, "Ink", quantity=5)
    by_category = await a_count(client, moderator, category_id=office["id"])
    by_items = await a_count(client, moderator, item_ids=[pen["id"], pen["id"]])
    assert by_items["item_ids"] == [pen["id"]]
    for count in (by_category, by_items):
        assert (await scan(client, moderator, count, item_id=pen["id"])).status_code == 200
        other = await scan(client, moderator, count, item_id=ink["id"])
        assert (other.status_code, other.json()["code"]) == (409, "not-in-count")
        assert (await put(client, moderator, count, ink, 1)).status_code == 409
    offer = await an_offer(client, moderator, (pen, 1), (ink, 1))
    everything = await a_count(client, moderator)
    bundle = await scan(client, moderator, everything, item_id=offer["id"])
    assert (bundle.status_code, bundle.json()["code"]) == (409, "not-in-count")
    unknown = await client.post(COUNTS, json={"category_id": 2**40}, headers=moderator.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (409, "unknown-category")


async def test_counts_are_listed(client: httpx.AsyncClient, moderator: Caller) -> None:
    first, second = await a_count(client, moderator), await a_count(client, moderator, name="Zwei")
    await end(client, moderator, first, "cancel")
    listed = (await client.get(COUNTS, headers=moderator.headers)).json()
    assert [count["id"] for count in listed["items"]] == [second["id"], first["id"]]
    assert "lines" not in listed["items"][0]
    still = await client.get(COUNTS, params={"status": "open"}, headers=moderator.headers)
    assert [count["id"] for count in still.json()["items"]] == [second["id"]]
    page = (await client.get(COUNTS, params={"limit": 1}, headers=moderator.headers)).json()
    assert (page["has_next"], page["total"]) == (True, 2)


async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, moderator: Caller) -> None:
    count = await a_count(client, moderator)
    nowhere = {"id": 2**40}
    assert (await client.get(f"{COUNTS}/{2**40}", headers=moderator.headers)).status_code == 404
    for answer in (
        await scan(client, moderator, nowhere, item_id=1),
        await put(client, moderator, nowhere, {"id": 1}, 1),
        await end(client, moderator, nowhere),
        await end(client, moderator, nowhere, "cancel"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "count-not-found")
    gone = await scan(client, moderator, count, item_id=2**40)
    assert (gone.status_code, gone.json()["code"]) == (404, "item-not-found")
    code = await scan(client, moderator, count, code="BK-999999")
    assert (code.status_code, code.json()["code"]) == (404, "code-not-found")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"item_id": 1, "code": "BK-000001"},
        {"item_id": 1, "quantity": 0},
        {"item_id": 1, "quantity": -1},
        {"item_id": 1, "quantity": LARGEST_QUANTITY + 1},
        {"item_id": "1"},
        {"code": ""},
        {"code": "BK-000001", "colour": "red"},
    ],
)
async def test_a_bad_scan_is_refused(
    client: httpx.AsyncClient, moderator: Caller, body: dict[str, Any]
) -> None:
    assert (await scan(client, moderator, {"id": 1}, **body)).status_code == 422


async def test_a_bad_scope_is_refused(client: httpx.AsyncClient, moderator: Caller) -> None:
    bodies: tuple[dict[str, Any], ...] = (
        {"category_id": 1, "item_ids": [1]},
        {"item_ids": []},
        {"name": " "},
        {"name": "x" * 201},
    )
    for body in bodies:
        assert (await client.post(COUNTS, json=body, headers=moderator.headers)).status_code == 422


async def test_nothing_is_counted_beyond_what_an_item_may_have(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=5)
    count = await a_count(client, moderator)
    assert (await scan(client, moderator, count, item_id=pen["id"], quantity=LARGEST_QUANTITY)).is_success
    more = await scan(client, moderator, count, item_id=pen["id"])
    assert (more.status_code, more.json()["code"]) == (409, "count-too-high")
    [line] = (await read(client, moderator, count))["lines"]
    assert line["counted"] == LARGEST_QUANTITY


async def test_an_item_that_is_deleted_is_counted_no_more(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen, ink = await an_item(client, seller, quantity=5), await an_item(client, seller, "Ink", quantity=5)
    count = await a_count(client, moderator)
    await put(client, moderator, count, pen, 4)
    await put(client, moderator, count, ink, 4)
    await client.delete(f"/api/v1/items/{pen['id']}", headers=seller.headers)
    done = await end(client, moderator, count)
    assert [line["item_id"] for line in done.json()["lines"]] == [ink["id"]]
    assert await on_hand(client, moderator, ink) == 4


async def test_two_devices_lose_nothing_and_one_commits(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller, one = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    other = await live_sign_up(Role.MODERATOR)
    pen = await an_item(live_client, seller, quantity=30)
    count = await a_count(live_client, one)
    scans = [scan(live_client, staff, count, item_id=pen["id"]) for staff in (one, other) * 10]
    sales = [sell(live_client, one, pen, 1) for _ in range(3)]
    answers = (await asyncio.gather(*scans, *sales))[: len(scans)]
    assert all(answer is not None and answer.status_code == 200 for answer in answers)
    headers = once(one)
    body = {"item_id": pen["id"], "quantity": 5}
    for _ in range(2):
        again = await live_client.post(f"{COUNTS}/{count['id']}/scan", json=body, headers=headers)
        assert again.json()["counted"] == 25
    [line] = (await read(live_client, one, count))["lines"]
    assert (line["counted"], line["expected"], line["moved_since"]) == (25, 27, 0)
    ends = await asyncio.gather(*(end(live_client, one, count) for _ in range(5)))
    assert sorted(answer.status_code for answer in ends) == [200] + [409] * 4
    assert await on_hand(live_client, one, pen) == 25
    assert await is_sound(live_client, one)


async def test_counting_and_committing_at_once_counts_all_or_refuses(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller, staff = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    pen = await an_item(live_client, seller, quantity=50)
    count = await a_count(live_client, staff)
    scans = [scan(live_client, staff, count, item_id=pen["id"]) for _ in range(12)]
    answers = await asyncio.gather(*scans[:6], end(live_client, staff, count), *scans[6:])
    assert answers[6].status_code == 200
    counted = [answer for answer in (*answers[:6], *answers[7:]) if answer.status_code == 200]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert await on_hand(live_client, staff, pen) == (len(counted) or 50)
    assert await is_sound(live_client, staff)
