"""What may be sold of an item: what is there, also what is to come, what is not out yet, or nothing."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.repository import Cause, StockLedger
from app.catalog.goods.sale_policies import may_ship
from app.catalog.models import MovementKind, StockLevel
from app.core.clock import set_shop_zone
from tests.conftest import Audit, Caller, events_of
from tests.factories import a_book, an_item

STOCK = "/api/v1/inventory"
OUT = "2030-12-01T08:00:00Z"


async def patch(
    client: httpx.AsyncClient, staff: Caller, item: Mapping[str, Any], body: Mapping[str, Any]
) -> httpx.Response:
    return await client.patch(f"{STOCK}/{item['id']}", json=body, headers=staff.headers)


async def reserve(session: AsyncSession, item: Mapping[str, Any], quantity: int) -> bool:
    moved = await StockLedger(session).reserve({item["id"]: quantity}, Cause(MovementKind.RESERVATION, None))
    return moved[0].movement_id is not None


async def set_level(session: AsyncSession, item: Mapping[str, Any], **values: object) -> None:
    await session.execute(update(StockLevel).where(StockLevel.item_id == item["id"]).values(**values))


async def quantity_of(client: httpx.AsyncClient, item: Mapping[str, Any]) -> int:
    return int((await client.get(f"/api/v1/items/{item['id']}")).json()["quantity"])


IN_STOCK = {"sale_policy": "in_stock"}
BACKORDER = {"sale_policy": "backorder", "oversell_limit": 5}
PREORDER = {"sale_policy": "preorder", "oversell_limit": 5, "on_sale_at": OUT}
NONE = {"sale_policy": "none"}
BEFORE = {
    "in_stock": {"sale_policy": "in_stock", "oversell_limit": 0},
    "backorder": {"sale_policy": "backorder", "oversell_limit": 9},
    "preorder": {
        "sale_policy": "preorder",
        "oversell_limit": 9,
        "on_sale_at": datetime(2030, 12, 1, 8, tzinfo=UTC),
    },
    "none": {"sale_policy": "none", "oversell_limit": 9},
}
# Before; on hand and reserved; what is sent; what is then the policy, the limit, the moment and available, or the refusal.
TABLE = [
    ("in_stock", 4, 1, IN_STOCK, ("in_stock", 0, None, 3)),
    ("in_stock", 4, 1, BACKORDER, ("backorder", 5, None, 8)),
    ("in_stock", 4, 1, PREORDER, ("preorder", 5, OUT, 8)),
    ("in_stock", 4, 1, NONE, ("none", 0, None, 0)),
    ("in_stock", 4, 4, NONE, ("none", 0, None, 0)),
    ("in_stock", 0, 0, BACKORDER, ("backorder", 5, None, 5)),
    ("backorder", 4, 1, IN_STOCK, ("in_stock", 0, None, 3)),
    ("backorder", 4, 4, IN_STOCK, ("in_stock", 0, None, 0)),
    ("backorder", 4, 5, IN_STOCK, (409, "stock-reserved")),
    ("backorder", 4, 7, BACKORDER, ("backorder", 5, None, 2)),
    ("backorder", 4, 9, BACKORDER, ("backorder", 5, None, 0)),
    ("backorder", 4, 10, BACKORDER, (409, "stock-reserved")),
    ("backorder", 4, 10, PREORDER, (409, "stock-reserved")),
    ("backorder", 4, 9, PREORDER, ("preorder", 5, OUT, 0)),
    ("backorder", 4, 10, NONE, ("none", 9, None, 0)),
    ("backorder", 4, 10, {"oversell_limit": 6}, ("backorder", 6, None, 0)),
    ("backorder", 4, 10, {"oversell_limit": 5}, (409, "stock-reserved")),
    ("backorder", 4, 4, {"oversell_limit": 0}, ("backorder", 0, None, 0)),
    ("backorder", 0, 0, {"sale_policy": "preorder", "on_sale_at": OUT}, ("preorder", 9, OUT, 9)),
    ("preorder", 4, 1, IN_STOCK, ("in_stock", 0, None, 3)),
    ("preorder", 0, 1, IN_STOCK, (409, "stock-reserved")),
    ("preorder", 0, 6, BACKORDER, (409, "stock-reserved")),
    ("preorder", 0, 5, BACKORDER, ("backorder", 5, None, 0)),
    ("preorder", 0, 6, {"on_sale_at": "2031-01-01T00:00:00Z"}, ("preorder", 9, "2031-01-01T00:00:00Z", 3)),
    ("preorder", 0, 9, NONE, ("none", 9, OUT, 0)),
    ("none", 4, 1, IN_STOCK, ("in_stock", 0, None, 3)),
    ("none", 4, 5, IN_STOCK, (409, "stock-reserved")),
    ("none", 4, 5, {"sale_policy": "backorder"}, ("backorder", 9, None, 8)),
    ("none", 4, 10, BACKORDER, (409, "stock-reserved")),
    ("none", 4, 10, {"oversell_limit": 6}, ("none", 6, None, 0)),
    ("none", 4, 10, {"oversell_limit": 5}, (409, "stock-reserved")),
    ("none", 4, 10, {"low_stock_threshold": 2}, ("none", 9, None, 0)),
]


@pytest.mark.parametrize("cell", TABLE)
async def test_a_policy_changes_as_far_as_what_is_promised_allows(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession, cell: tuple[Any, ...]
) -> None:
    before, on_hand, reserved, sent, expected = cell
    pen = await an_item(client, seller)
    await set_level(session, pen, on_hand=on_hand, reserved=reserved, **BEFORE[before])
    answer = await patch(client, moderator, pen, sent)
    told = answer.json()
    if isinstance(expected[0], int):
        assert (answer.status_code, told["code"]) == expected, answer.text
        assert told["errors"][0]["field"] == "oversell_limit"
        stock = (await client.get(f"{STOCK}/{pen['id']}", headers=moderator.headers)).json()
        assert (stock["sale_policy"], stock["version"]) == (before, 1)
        return
    assert answer.status_code == 200, answer.text
    fields = ("sale_policy", "oversell_limit", "on_sale_at", "available")
    assert tuple(told[name] for name in fields) == expected
    assert (told["on_hand"], told["reserved"], told["version"]) == (on_hand, reserved, 2)
    item = (await client.get(f"/api/v1/items/{pen['id']}")).json()
    assert (item["sale_policy"], item["on_sale_at"], item["quantity"]) == (
        expected[0],
        expected[2],
        expected[3],
    )


@pytest.mark.parametrize(
    "cell",
    [
        ("in_stock", {"sale_policy": "in_stock", "oversell_limit": 1}, "oversell_limit"),
        ("in_stock", {"oversell_limit": 1}, "oversell_limit"),
        ("in_stock", {"on_sale_at": OUT}, "on_sale_at"),
        ("in_stock", {"sale_policy": "backorder"}, "oversell_limit"),
        ("in_stock", {"sale_policy": "backorder", "oversell_limit": 3, "on_sale_at": OUT}, "on_sale_at"),
        ("in_stock", {"sale_policy": "preorder", "on_sale_at": OUT}, "oversell_limit"),
        ("in_stock", {"sale_policy": "preorder", "oversell_limit": 3}, "on_sale_at"),
        ("preorder", {"on_sale_at": None}, "on_sale_at"),
        ("preorder", {"on_sale_at": "2030-12-01T08:00:00"}, "on_sale_at"),
        ("preorder", {"on_sale_at": "2030-13-01"}, "on_sale_at"),
        ("preorder", {"on_sale_at": 1924905600}, "on_sale_at"),
        ("preorder", {"sale_policy": None}, "sale_policy"),
        ("preorder", {"sale_policy": "Preorder"}, "sale_policy"),
        ("backorder", {"oversell_limit": None}, "oversell_limit"),
        ("backorder", {"oversell_limit": -1}, "oversell_limit"),
        ("backorder", {"oversell_limit": 100_001}, "oversell_limit"),
        ("backorder", {"oversell_limit": "5"}, "oversell_limit"),
        ("backorder", {"backorder_limit": 5}, "backorder_limit"),
    ],
)
async def test_what_does_not_go_with_a_policy_is_refused_by_its_field(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession, cell: tuple[Any, ...]
) -> None:
    before, sent, field = cell
    pen = await an_item(client, seller)
    await set_level(session, pen, **BEFORE[before])
    answer = await patch(client, moderator, pen, sent)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_a_local_date_begins_where_the_shop_is(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    book = await a_book(client, seller)
    sent = {"sale_policy": "preorder", "oversell_limit": 2, "on_sale_at": "2030-12-01"}
    set_shop_zone(ZoneInfo("Pacific/Kiritimati"))
    try:
        answer = await patch(client, moderator, book, sent)
    finally:
        set_shop_zone(None)
    assert answer.json()["on_sale_at"] == "2030-11-30T10:00:00Z"
    sent["on_sale_at"] = "2030-12-01T00:00:00-05:00"
    assert (await patch(client, moderator, book, sent)).json()["on_sale_at"] == "2030-12-01T05:00:00Z"
    told = (await client.get(f"/api/v1/books/{book['id']}")).json()
    assert (told["sale_policy"], told["on_sale_at"], told["quantity"]) == (
        "preorder",
        "2030-12-01T05:00:00Z",
        2,
    )
    linked = {"Accept": "application/ld+json"}
    offer = (await client.get(f"/api/v1/books/{book['id']}", headers=linked)).json()["offers"]
    assert offer["availability"].endswith("/PreOrder")


async def test_up_to_the_limit_is_sold_before_it_is_there_and_no_more(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=2)
    assert not await reserve(session, pen, 3)
    await patch(client, moderator, pen, {"sale_policy": "backorder", "oversell_limit": 3})
    assert await reserve(session, pen, 4)
    assert await quantity_of(client, pen) == 1
    assert not await reserve(session, pen, 2)
    await patch(client, moderator, pen, {"sale_policy": "none"})
    assert await quantity_of(client, pen) == 0
    assert not await reserve(session, pen, 1)
    # What was promised can still be given back.
    assert await reserve(session, pen, -4)
    proof = (await client.get("/api/v1/admin/inventory/reconcile", headers=moderator.headers)).json()
    assert proof["is_sound"] is True


async def test_lists_facets_and_announcements_follow_what_can_be_bought(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    book = await a_book(client, seller, "Unwritten")
    await patch(client, moderator, book, {"low_stock_threshold": 2})

    async def seen() -> list[int]:
        paths = ("/api/v1/items", "/api/v1/books", STOCK)
        query = {"in_stock": "true"}
        lists = [await client.get(path, params=query, headers=moderator.headers) for path in paths]
        return [one.json()["total"] for one in lists]

    async def announced() -> list[tuple[str, int]]:
        kinds = ("stock.low", "stock.out", "stock.back")
        events = [(kind, one["available"]) for kind in kinds for one in await events_of(session, kind)]
        await session.execute(text("DELETE FROM outbox_events"))
        return events

    await announced()
    assert await seen() == [0, 0, 0]
    for sent, total, events in (
        ({"sale_policy": "preorder", "oversell_limit": 4, "on_sale_at": OUT}, 1, [("stock.back", 4)]),
        ({"oversell_limit": 2}, 1, [("stock.low", 2)]),
        ({"sale_policy": "none"}, 0, [("stock.out", 0)]),
        ({"sale_policy": "backorder"}, 1, [("stock.back", 2)]),
        ({"sale_policy": "in_stock"}, 0, [("stock.out", 0)]),
    ):
        assert (await patch(client, moderator, book, sent)).status_code == 200
        assert await seen() == [total] * 3, sent
        facets = (await client.get("/api/v1/books/facets", params={"in_stock": "true"})).json()
        assert facets["total"] == total
        assert await announced() == events, sent


async def test_a_quantity_is_set_as_far_as_the_policy_allows(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=3)
    path = f"/api/v1/items/{pen['id']}"

    async def put(quantity: int) -> tuple[int, int]:
        answer = await client.patch(path, json={"quantity": quantity}, headers=seller.headers)
        stock = (await client.get(f"{STOCK}/{pen['id']}", headers=moderator.headers)).json()
        return answer.status_code, stock["on_hand"]

    await patch(client, moderator, pen, BACKORDER)
    assert await reserve(session, pen, 4)
    for quantity, expected in ((4, (200, 3)), (6, (200, 5)), (1, (200, 0)), (0, (409, 0)), (3, (200, 2))):
        assert await put(quantity) == expected, quantity
    await patch(client, moderator, pen, NONE)
    for quantity, expected in ((0, (200, 2)), (1, (409, 2))):
        assert await put(quantity) == expected, quantity
    refused = await client.patch(path, json={"quantity": 7}, headers=seller.headers)
    problem = refused.json()
    assert (problem["code"], problem["errors"][0]["field"]) == ("quantity-not-settable", "quantity")
    assert "than 0" in problem["detail"]


async def test_a_change_of_the_policy_is_audited_and_needs_the_version_that_was_read(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, audit: Audit
) -> None:
    pen = await an_item(client, seller, quantity=3)
    path = f"{STOCK}/{pen['id']}"
    tag = (await client.get(path, headers=moderator.headers)).headers["etag"]
    item_tag = (await client.get(f"/api/v1/items/{pen['id']}")).headers["etag"]
    assert (await patch(client, moderator, pen, BACKORDER)).status_code == 200
    assert (await client.get(f"/api/v1/items/{pen['id']}")).headers["etag"] != item_tag
    stale = {**moderator.headers, "If-Match": tag}
    assert (await client.patch(path, json=NONE, headers=stale)).status_code == 412
    assert (await client.patch(path, json=NONE, headers=seller.headers)).status_code == 403
    assert (await client.patch(path, json=NONE)).status_code == 401
    assert (await patch(client, moderator, pen, BACKORDER)).status_code == 200
    [entry] = await audit(action="stock.changed")
    assert entry["changes"] == {"sale_policy": ["in_stock", "backorder"], "oversell_limit": [0, 5]}
    assert (entry["target"], entry["target_id"]) == ("item", str(pen["id"]))


def test_what_is_sold_before_it_is_out_is_not_sent_before() -> None:
    out = datetime(2030, 12, 1, tzinfo=UTC)
    assert may_ship(None, out)
    assert may_ship(out, out)
    assert not may_ship(out, out - timedelta(microseconds=1))
