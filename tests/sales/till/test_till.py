"""Selling at the counter: what is sold is gone, paid and delivered at once, and the ledger tells it."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from app.sales.models import Order, OrderPart, Payment
from app.sales.scanning.codes import in_store_code
from tests.conftest import Caller, SignUp, events_of
from tests.factories import a_book, an_item, an_offer, an_order, once

TILL = "/api/v1/till"
ISBN = "9780261102217"


async def scan(client: httpx.AsyncClient, cashier: Caller, code: str) -> httpx.Response:
    return await client.post(f"{TILL}/scan", json={"code": code}, headers=cashier.headers)


async def sell(
    client: httpx.AsyncClient, cashier: Caller, *lines: Mapping[str, Any], **fields: Any
) -> httpx.Response:
    body = {"lines": [dict(line) for line in lines], "payment": "cash", **fields}
    return await client.post(f"{TILL}/sales", json=body, headers=once(cashier))


async def stock_of(client: httpx.AsyncClient, staff: Caller, item: Mapping[str, Any]) -> tuple[int, int]:
    stock = (await client.get(f"/api/v1/inventory/{item['id']}", headers=staff.headers)).json()
    return stock["on_hand"], stock["reserved"]


async def is_sound(client: httpx.AsyncClient, staff: Caller) -> bool:
    answer = await client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    return bool(answer.json()["is_sound"])


@pytest.mark.parametrize(
    ("code", "add_on"),
    [
        (ISBN, None),
        ("0-261-10221-4", None),
        ("978-0-261-10221-7", None),
        (f"{ISBN}51299", "51299"),
        (f"{ISBN} 51299", "51299"),
        ("BK-000042", None),
        (" bk-000042", None),
    ],
)
async def test_a_book_is_found_by_every_form_of_its_codes(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, code: str, add_on: str | None
) -> None:
    book = await a_book(client, seller, "Der Hobbit – Größe", isbn=ISBN, sku="BK-000042", quantity=3)
    answer = await scan(client, moderator, code)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "item_id": book["id"],
        "kind": "book",
        "title": "Der Hobbit – Größe",
        "isbn": ISBN,
        "sku": "BK-000042",
        "unit_price": 10.0,
        "currency": book["currency"],
        "available": 3,
        "is_for_sale": True,
        "add_on": add_on,
    }


async def test_goods_without_isbn_are_found_by_the_number_of_their_label(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller)
    found = await scan(client, moderator, in_store_code(pen["id"]))
    assert (found.status_code, found.json()["item_id"]) == (200, pen["id"])


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("2999999999991", "There is no item with the number 99999999999 of this shop's labels"),
        ("9780261102217", "There is no item with the ISBN"),
        ("BK-999999", "There is no item with the SKU"),
        ("9771234567003", "found by their SKU"),
        ("9780261102218", "check digit"),
        ("🐍", "no code"),
    ],
)
async def test_an_unknown_code_is_told_why(
    client: httpx.AsyncClient, moderator: Caller, code: str, told: str
) -> None:
    answer = await scan(client, moderator, code)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (404, "code-not-found")
    assert told in problem["detail"]
    assert problem["errors"][0]["field"] == "code"


@pytest.mark.parametrize("code", ["", " ", "9" * 101, "a\x00b", "a\nb", 9780261102217, None])
async def test_what_cannot_be_a_code_is_refused(
    client: httpx.AsyncClient, moderator: Caller, code: Any
) -> None:
    assert (await scan(client, moderator, code)).status_code == 422


async def test_a_sale_is_paid_delivered_and_out_of_stock_at_once(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=5, sku="ST-0001")
    book = await a_book(client, seller, isbn=ISBN, price=12.5, quantity=2)
    answer = await sell(
        client,
        moderator,
        {"code": "st-0001", "quantity": 2},
        {"item_id": book["id"]},
        {"item_id": pen["id"], "quantity": 1},
        tendered=50,
    )
    assert answer.status_code == 201, answer.text
    sale = answer.json()
    assert [(line["item_id"], line["quantity"], line["shipped"]) for line in sale["lines"]] == [
        (pen["id"], 3, 3),
        (book["id"], 1, 1),
    ]
    assert (sale["status"], sale["payment_status"], sale["fulfilment_status"]) == (
        "delivered",
        "paid",
        "delivered",
    )
    assert (sale["subtotal"], sale["shipping"], sale["total"]) == (42.5, 0, 42.5)
    assert (sale["payment"], sale["tendered"], sale["change"]) == ("cash", 50, 7.5)
    assert (sale["receipt_number"], sale["cashier_id"]) == (sale["number"], moderator.id)
    assert (sale["address"], sale["expires_at"], sale["shipping_option"]) == (None, None, None)
    assert answer.headers["Location"] == f"{TILL}/sales/{sale['number']}"
    again = await client.get(answer.headers["Location"], headers=moderator.headers)
    assert again.json() == sale
    assert await stock_of(client, moderator, pen) == (2, 0)
    moved = await client.get(f"/api/v1/inventory/{pen['id']}/movements", headers=moderator.headers)
    assert [(one["kind"], one["delta"]) for one in moved.json()["items"]] == [("sale", -3), ("initial", 5)]
    assert await is_sound(client, moderator)
    order = (await session.scalars(select(Order).where(Order.number == sale["number"]))).one()
    assert (order.channel, order.user_id) == ("till", None)
    payment = (await session.scalars(select(Payment).where(Payment.order_id == order.id))).one()
    assert (payment.provider, payment.status, float(payment.amount)) == ("cash", "succeeded", 42.5)
    assert payment.captured_at is not None
    parts = (await session.scalars(select(OrderPart).where(OrderPart.order_id == order.id))).all()
    assert {(part.quantity, part.reserved, part.shipped) for part in parts} == {(3, 0, 3), (1, 0, 1)}
    for kind in ("order.created", "order.paid", "order.delivered"):
        assert len(await events_of(session, kind)) == 1
    listed = await client.get("/api/v1/admin/orders", headers=moderator.headers)
    assert [one["number"] for one in listed.json()["items"]] == [sale["number"]]


async def test_a_card_needs_no_change(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, session: AsyncSession
) -> None:
    pen = await an_item(client, seller, quantity=5)
    sale = (await sell(client, moderator, {"item_id": pen["id"]}, payment="card")).json()
    assert (sale["payment"], sale["tendered"], sale["change"]) == ("card", None, None)
    assert (await session.scalars(select(Payment.provider))).one() == "card"
    exact = (await sell(client, moderator, {"item_id": pen["id"]})).json()
    assert (exact["tendered"], exact["change"]) == (10, 0)


async def test_too_little_money_sells_nothing(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=5)
    answer = await sell(client, moderator, {"item_id": pen["id"]}, tendered=9.99)
    assert (answer.status_code, answer.json()["code"]) == (422, "too-little-tendered")
    assert answer.json()["errors"][0]["field"] == "tendered"
    told = await sell(client, moderator, {"item_id": pen["id"]}, expected_total=9.5)
    assert (told.status_code, told.json()["code"], told.json()["totals"]["total"]) == (
        409,
        "price-changed",
        10,
    )
    assert await stock_of(client, moderator, pen) == (5, 0)


async def test_more_than_an_order_may_come_to_is_refused(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    gems = [await an_item(client, seller, price=1_000_000, quantity=1000) for _ in range(10)]
    answer = await sell(client, moderator, *({"item_id": gem["id"], "quantity": 1000} for gem in gems))
    assert (answer.status_code, answer.json()["code"]) == (409, "order-too-large")
    assert "10,000,000,000.00 EUR" in answer.json()["detail"]
    assert await stock_of(client, moderator, gems[0]) == (1000, 0)


async def test_the_tax_is_that_of_the_shop(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    rate = {"country": "US", "tax_class": "goods", "rate": 0.08, "valid_from": "2020-01-01"}
    made = await client.post("/api/v1/admin/tax-rates", json=rate, headers=admin.headers)
    assert made.status_code == 201, made.text
    pen = await an_item(client, seller, quantity=5, price=999.99)
    sale = (await sell(client, moderator, {"item_id": pen["id"]})).json()
    taxed = 80.0 if not sale["is_gross"] else 74.07
    assert (sale["lines"][0]["tax_rate"], sale["tax"]) == (0.08, taxed)


async def test_a_coupon_counts_at_the_till_as_often_as_it_may(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    admin = await sign_up(Role.ADMIN)
    rule = {
        "code": "TILL10",
        "discount_type": "percentage",
        "value": 10,
        "min_order": 0,
        "usage_limit": 2,
        "per_customer_limit": 1,
        "starts_at": "2020-01-01",
        "ends_at": "2999-01-01",
    }
    made = await client.post("/api/v1/discounts", json=rule, headers=once(admin))
    assert made.status_code == 201, made.text
    pen = await an_item(client, seller, quantity=5)
    for _ in range(2):
        sale = await sell(client, moderator, {"item_id": pen["id"]}, coupon="till10")
        assert (sale.status_code, sale.json()["total"]) == (201, 9)
    used_up = await sell(client, moderator, {"item_id": pen["id"]}, coupon="TILL10")
    assert (used_up.status_code, used_up.json()["code"]) == (422, "coupon-not-valid")
    assert await stock_of(client, moderator, pen) == (3, 0)


async def test_what_is_promised_to_others_is_not_sold(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    pen, ink = await an_item(client, seller, quantity=5), await an_item(client, seller, "Ink", quantity=1)
    await an_order(client, await sign_up(), (pen, 3))
    answer = await sell(client, moderator, {"item_id": ink["id"]}, {"item_id": pen["id"], "quantity": 3})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "insufficient-stock")
    assert problem["lines"] == [{"item_id": pen["id"], "available": 2}]
    assert await stock_of(client, moderator, ink) == (1, 0)
    assert (await sell(client, moderator, {"item_id": pen["id"], "quantity": 2})).status_code == 201
    assert await stock_of(client, moderator, pen) == (3, 3)
    assert await is_sound(client, moderator)


async def test_what_is_not_there_yet_is_not_sold_over_the_counter(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=1)
    late = {"sale_policy": "backorder", "oversell_limit": 9}
    await client.patch(f"/api/v1/inventory/{pen['id']}", json=late, headers=moderator.headers)
    answer = await sell(client, moderator, {"item_id": pen["id"], "quantity": 2})
    assert (answer.status_code, answer.json()["lines"]) == (409, [{"item_id": pen["id"], "available": 1}])
    early = {"sale_policy": "preorder", "oversell_limit": 9, "on_sale_at": "2999-01-01"}
    await client.patch(f"/api/v1/inventory/{pen['id']}", json=early, headers=moderator.headers)
    answer = await sell(client, moderator, {"item_id": pen["id"]})
    assert (answer.status_code, answer.json()["code"]) == (409, "not-yet-on-sale")


async def test_a_bundle_takes_its_parts(client: httpx.AsyncClient, seller: Caller, moderator: Caller) -> None:
    pen, ink = await an_item(client, seller, quantity=5), await an_item(client, seller, "Ink", quantity=9)
    offer = await an_offer(client, moderator, (pen, 1), (ink, 3))
    sale = await sell(client, moderator, {"item_id": offer["id"], "quantity": 2})
    assert sale.status_code == 201, sale.text
    assert await stock_of(client, moderator, pen) == (3, 0)
    assert await stock_of(client, moderator, ink) == (3, 0)


@pytest.mark.parametrize(
    "body",
    [
        {"lines": [], "payment": "cash"},
        {"lines": [{"item_id": 1}] * 101, "payment": "cash"},
        {"lines": [{"item_id": 1}]},
        {"lines": [{"item_id": 1}], "payment": "cheque"},
        {"lines": [{"quantity": 1}], "payment": "cash"},
        {"lines": [{"item_id": 1, "code": "BK-000042"}], "payment": "cash"},
        {"lines": [{"item_id": 1, "quantity": 0}], "payment": "cash"},
        {"lines": [{"item_id": 1, "quantity": 1001}], "payment": "cash"},
        {"lines": [{"item_id": 1}], "payment": "card", "tendered": 10},
        {"lines": [{"item_id": 1}], "payment": "cash", "tendered": 10.001},
        {"lines": [{"item_id": 1}], "payment": "cash", "tendered": -1},
        {"lines": [{"item_id": 1}], "payment": "cash", "address": {}},
    ],
)
async def test_a_bad_sale_is_refused(
    client: httpx.AsyncClient, moderator: Caller, body: dict[str, Any]
) -> None:
    assert (await client.post(f"{TILL}/sales", json=body, headers=once(moderator))).status_code == 422


async def test_what_cannot_be_sold_is_named(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen = await an_item(client, seller, quantity=9999)
    gone = await sell(client, moderator, {"item_id": 2**40})
    assert (gone.status_code, gone.json()["code"]) == (404, "item-not-found")
    unknown = await sell(client, moderator, {"item_id": pen["id"]}, {"code": "BK-999999"})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (404, "lines.1.code")
    many = [{"item_id": pen["id"], "quantity": 600}] * 2
    answer = await sell(client, moderator, *many)
    assert (answer.status_code, answer.json()["code"]) == (422, "too-many-pieces")
    off = await an_item(client, seller, "Off", is_active=False)
    assert (await sell(client, moderator, {"item_id": off["id"]})).json()["code"] == "not-for-sale"


async def test_only_cashiers_sell_and_only_with_a_key(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    pen = await an_item(client, seller, quantity=5)
    assert (await sell(client, seller, {"item_id": pen["id"]})).status_code == 403
    body = {"lines": [{"item_id": pen["id"]}], "payment": "cash"}
    keyless = await client.post(f"{TILL}/sales", json=body, headers=moderator.headers)
    assert (keyless.status_code, keyless.json()["code"]) == (400, "idempotency-key-missing")
    order = await an_order(client, await sign_up(), (pen, 1))
    other = await client.get(f"{TILL}/sales/{order['number']}", headers=moderator.headers)
    assert (other.status_code, other.json()["code"]) == (404, "order-not-found")


async def test_many_tills_sell_the_last_ones_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, live_app: FastAPI
) -> None:
    seller, cashier = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    pen = await an_item(live_client, seller, quantity=3)
    answers = await asyncio.gather(
        *(sell(live_client, cashier, {"item_id": pen["id"]}, payment="card") for _ in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 9
    headers = once(cashier)
    ink = await an_item(live_client, seller, "Ink", quantity=9)
    body = {"lines": [{"item_id": ink["id"]}], "payment": "card"}
    same = [live_client.post(f"{TILL}/sales", json=body, headers=headers) for _ in range(8)]
    told = [answer.status_code for answer in await asyncio.gather(*same)]
    assert set(told) <= {201, 409}
    assert await stock_of(live_client, cashier, ink) == (8, 0)
    assert await is_sound(live_client, cashier)
    async with live_app.state.database.sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM orders")) == 4
        assert await session.scalar(text("SELECT count(*) FROM payments")) == 4
