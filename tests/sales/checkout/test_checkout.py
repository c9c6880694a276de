"""From a cart to an order: one step, all or nothing, however many try at once."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.sales.models import Cart, Order, OrderLine, OrderPart
from tests.conftest import Caller, SignUp, events_of
from tests.factories import ADDRESS, a_book, a_quote, an_item, an_offer, an_order, check_out, fill_cart, once
from tests.sales.discounts.rows import a_discount

QUOTE = "/api/v1/checkout/quote"
CHECKOUT = "/api/v1/checkout"
PURCHASE = "/api/v1/purchase"


async def stock_of(client: httpx.AsyncClient, staff: Caller, item: dict[str, Any]) -> tuple[int, int, int]:
    stock = (await client.get(f"/api/v1/inventory/{item['id']}", headers=staff.headers)).json()
    return stock["on_hand"], stock["reserved"], stock["available"]


async def test_a_quote_says_what_the_cart_costs_and_how_it_can_be_sent(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, book = await sign_up(), await a_book(client, seller, price=12.5, quantity=9)
    await fill_cart(client, buyer, (book, 2))
    body = {"address": dict(ADDRESS)}
    quote = (await client.post(QUOTE, json=body, headers=buyer.headers)).json()
    prices = {option["code"]: option["price"] for option in quote["shipping_options"]}
    assert list(prices.values()) == sorted(prices.values())
    assert quote["shipping_option"] == next(iter(prices))
    assert set(quote["shipping_options"][0]) >= {"code", "name", "price", "days"}
    standard = await a_quote(client, buyer)
    assert standard["shipping_option"] == "standard"
    assert (standard["subtotal"], standard["discount"], standard["tax"]) == (25.0, 0, 0)
    assert standard["total"] == pytest.approx(25 + prices["standard"])
    assert standard["currency"] == "EUR"
    assert (await client.get("/api/v1/orders", headers=buyer.headers)).json()["total"] == 0


async def test_a_guest_asks_by_token(client: httpx.AsyncClient, seller: Caller) -> None:
    pen = await an_item(client, seller, quantity=2)
    made = await client.post("/api/v1/cart/lines", json={"item_id": pen["id"]})
    body = {"address": dict(ADDRESS)}
    answer = await client.post(QUOTE, json=body, headers={"X-Cart-Token": made.json()["token"]})
    assert answer.status_code == 200, answer.text
    assert answer.json()["subtotal"] == 10
    empty = await client.post(QUOTE, json=body)
    assert (empty.status_code, empty.json()["code"]) == (409, "cart-empty")


async def test_tax_is_that_of_the_address_and_the_class(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer = await sign_up()
    book, pen = (
        await a_book(client, seller, price=100, quantity=9),
        await an_item(client, seller, price=100, quantity=9),
    )
    await fill_cart(client, buyer, (book, 1), (pen, 1))
    address = {**ADDRESS, "country": "DE", "zip_code": "10115", "city": "Berlin", "state": None}
    quote = await a_quote(client, buyer, address=address)
    assert (quote["subtotal"], quote["tax"]) == (200, 26)
    assert quote["total"] == pytest.approx(226 + quote["shipping"])


async def test_a_checkout_makes_an_order_sets_stock_apart_and_empties_the_cart(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer = await sign_up()
    book = await a_book(client, seller, "The Hobbit", isbn="9780261102217", price=12.5, quantity=9)
    pen = await an_item(client, seller, price=3.99, quantity=4)
    await fill_cart(client, buyer, (book, 2), (pen, 1))
    quote = await a_quote(client, buyer)
    answer = await check_out(client, buyer, quote["total"], notes="Please wrap it.")
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert answer.headers["Location"] == f"/api/v1/orders/{order['number']}"
    assert (order["status"], order["payment_status"], order["fulfilment_status"]) == (
        "pending",
        "unpaid",
        "unfulfilled",
    )
    assert {
        name: order[name] for name in ("subtotal", "discount", "tax", "shipping", "total", "currency")
    } == {name: quote[name] for name in ("subtotal", "discount", "tax", "shipping", "total", "currency")}
    first = order["lines"][0]
    assert {
        name: first[name] for name in ("item_id", "title", "isbn", "quantity", "unit_price", "line_total")
    } == {
        "item_id": book["id"],
        "title": "The Hobbit",
        "isbn": "9780261102217",
        "quantity": 2,
        "unit_price": 12.5,
        "line_total": 25.0,
    }
    assert order["address"]["city"] == "San Francisco"
    assert (order["notes"], order["version"]) == ("Please wrap it.", 1)
    assert await stock_of(client, moderator, book) == (9, 2, 7)
    assert (await client.get(f"/api/v1/books/{book['id']}")).json()["quantity"] == 7
    moves = (await client.get(f"/api/v1/inventory/{book['id']}/movements", headers=moderator.headers)).json()
    assert [(one["kind"], one["delta"], one["reserved_delta"]) for one in moves["items"]] == [
        ("reservation", 0, 2),
        ("initial", 9, 0),
    ]
    assert (await client.get("/api/v1/cart", headers=buyer.headers)).json()["lines"] == []
    sound = await client.get("/api/v1/admin/inventory/reconcile", headers=moderator.headers)
    assert sound.json()["is_sound"] is True
    [event] = await events_of(session, "order.created")
    assert (event["number"], event["total"]) == (order["number"], f"{Decimal(str(order['total'])):.2f}")


async def test_the_answer_is_the_order_as_it_is_read_from_then_on(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, book = await sign_up(), await a_book(client, seller, price=9.99, quantity=9)
    pen = await an_item(client, seller, "Pen", price=1, quantity=9)
    offer = await an_offer(client, seller, (pen, 2), (book, 1), price=10.5)
    await a_discount(session, code="SPRING", value=Decimal("3.3"))
    address = {**ADDRESS, "country": "DE", "zip_code": "10115", "city": "Berlin", "state": None}
    fields = {"address": address, "coupon": "SPRING"}
    await fill_cart(client, buyer, (offer, 2), (book, 3), (pen, 1))
    total = (await a_quote(client, buyer, **fields))["total"]
    fields |= {"billing_address": dict(ADDRESS), "notes": "Please wrap it."}
    answer = await check_out(client, buyer, total, **fields)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["discount"] > 0, told["tax"] > 0, len(told["lines"])) == (True, True, 3)
    read = await client.get(answer.headers["location"], headers=buyer.headers)
    assert read.json() == told
    assert read.headers["etag"] == answer.headers["etag"]
    parts = await session.execute(
        select(OrderPart.item_id, func.sum(OrderPart.reserved)).group_by(OrderPart.item_id)
    )
    assert dict(parts.all()) == {pen["id"]: 5, book["id"]: 5}


async def test_an_order_keeps_what_was_bought_whatever_becomes_of_it(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, book = await sign_up(), await a_book(client, seller, "Old title", quantity=3)
    order = await an_order(client, buyer, (book, 1))
    path = f"/api/v1/books/{book['id']}"
    changed = await client.patch(path, json={"title": "New title", "price": 99}, headers=seller.headers)
    assert changed.status_code == 200
    kept = (await client.get(f"/api/v1/orders/{order['number']}", headers=buyer.headers)).json()
    assert kept["lines"] == order["lines"]
    assert kept["total"] == order["total"]


async def test_without_a_key_nothing_is_bought(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=2)
    await fill_cart(client, buyer, (pen, 1))
    body = {"address": dict(ADDRESS), "shipping_option": "standard", "expected_total": 10}
    for path in (CHECKOUT, PURCHASE):
        answer = await client.post(path, json=body, headers=buyer.headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing"), path
    assert (await client.post(CHECKOUT, json=body)).status_code == 401


async def test_a_price_that_moved_is_told_and_nothing_is_bought(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=2)
    await fill_cart(client, buyer, (pen, 1))
    quote = await a_quote(client, buyer)
    path = f"/api/v1/items/{pen['id']}"
    await client.patch(path, json={"price": 12}, headers=seller.headers)
    answer = await check_out(client, buyer, quote["total"])
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "price-changed")
    assert problem["totals"] == {
        "subtotal": 12,
        "discount": 0,
        "tax": 0,
        "shipping": quote["shipping"],
        "total": pytest.approx(quote["total"] + 2),
    }
    assert await stock_of(client, moderator, pen) == (2, 0, 2)
    assert len((await client.get("/api/v1/cart", headers=buyer.headers)).json()["lines"]) == 1
    assert (await check_out(client, buyer, quote["total"] + 2)).status_code == 201


async def test_short_stock_is_told_per_line_and_nothing_is_bought(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer = await sign_up()
    plenty, short, none = [await an_item(client, seller, quantity=quantity) for quantity in (9, 2, 0)]
    await fill_cart(client, buyer, (plenty, 1), (short, 3), (none, 1))
    quote = await a_quote(client, buyer)
    answer = await check_out(client, buyer, quote["total"])
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient-stock")
    assert answer.json()["lines"] == [
        {"item_id": short["id"], "available": 2},
        {"item_id": none["id"], "available": 0},
    ]
    assert await stock_of(client, moderator, plenty) == (9, 0, 9)
    assert await session.scalar(select(func.count()).select_from(Order)) == 0
    assert len((await client.get("/api/v1/cart", headers=buyer.headers)).json()["lines"]) == 3


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"expected_total": -1}, "expected_total"),
        ({"expected_total": 10.001}, "expected_total"),
        ({"expected_total": "10"}, "expected_total"),
        ({"shipping_option": ""}, "shipping_option"),
        ({"address": {**ADDRESS, "zip_code": "9410"}}, "address.zip_code"),
        ({"address": {**ADDRESS, "state": "XX"}}, "address.state"),
        ({"notes": "x" * 1001}, "notes"),
        ({"address_id": 1}, "body"),
        ({"address": None}, "body"),
        ({"total": 1}, "total"),
    ],
)
async def test_a_bad_checkout_names_the_field(
    client: httpx.AsyncClient, sign_up: SignUp, change: dict[str, Any], field: str
) -> None:
    answer = await check_out(client, await sign_up(), **{"expected_total": 10, **change})
    assert answer.status_code == 422, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


async def test_refusals_of_a_checkout(client: httpx.AsyncClient, seller: Caller, sign_up: SignUp) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=2)
    assert (await check_out(client, buyer, 10)).json()["code"] == "cart-empty"
    await fill_cart(client, buyer, (pen, 1))
    unknown = await check_out(client, buyer, 10, shipping_option="pigeon")
    assert (unknown.status_code, unknown.json()["code"]) == (409, "unknown-shipping-option")
    assert "standard" in unknown.json()["available"]
    theirs = await check_out(client, buyer, 10, address=None, address_id=2**40)
    assert theirs.status_code == 404
    coupon = await check_out(client, buyer, 10, coupon="NOTHING")
    assert (coupon.status_code, coupon.json()["code"]) == (422, "coupon-not-valid")
    path = f"/api/v1/items/{pen['id']}"
    await client.patch(path, json={"is_active": False}, headers=seller.headers)
    gone = await check_out(client, buyer, 10)
    assert (gone.status_code, gone.json()["code"]) == (409, "not-for-sale")


async def test_a_purchase_is_an_order_of_one_line(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    ink = await an_item(client, seller)
    await fill_cart(client, buyer, (ink, 1))
    body = {"item_id": pen["id"], "quantity": 3, "address": dict(ADDRESS)}
    answer = await client.post(PURCHASE, json=body, headers=once(buyer))
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert [(line["item_id"], line["quantity"]) for line in order["lines"]] == [(pen["id"], 3)]
    assert len((await client.get("/api/v1/cart", headers=buyer.headers)).json()["lines"]) == 1
    for quantity, expected in ((0, 422), (101, 422), (3, 409)):
        answer = await client.post(PURCHASE, json={**body, "quantity": quantity}, headers=once(buyer))
        assert answer.status_code == expected, answer.text
    gone = await client.post(PURCHASE, json={**body, "item_id": 2**40}, headers=once(buyer))
    assert (gone.status_code, gone.json()["code"]) == (404, "item-not-found")


async def test_sixty_four_clients_buy_the_last_ten(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, live_app: Any
) -> None:
    seller, staff = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    book = await an_item(live_client, seller, quantity=10)
    buyers = [await live_sign_up() for _ in range(64)]
    body = {"item_id": book["id"], "address": dict(ADDRESS)}
    answers = await asyncio.gather(
        *(live_client.post(PURCHASE, json=body, headers=once(buyer)) for buyer in buyers)
    )
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 54}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "insufficient-stock"
    }
    assert await stock_of(live_client, staff, book) == (10, 10, 0)
    sound = await live_client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    assert sound.json()["is_sound"] is True
    async with transaction(live_app.state.database, live_app.state.cache) as session:
        assert await session.scalar(select(func.count()).select_from(Order)) == 10
        assert await session.scalar(select(func.count()).select_from(OrderLine)) == 10
        assert await session.scalar(select(func.sum(OrderPart.reserved))) == 10


async def test_one_key_from_twenty_clients_makes_one_order(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, live_app: Any
) -> None:
    seller, buyer = await live_sign_up(), await live_sign_up()
    pen = await an_item(live_client, seller, quantity=50)
    await fill_cart(live_client, buyer, (pen, 1))
    quote = await a_quote(live_client, buyer)
    body = {"address": dict(ADDRESS), "shipping_option": "standard", "expected_total": quote["total"]}
    headers = once(buyer)
    answers = await asyncio.gather(
        *(live_client.post(CHECKOUT, json=body, headers=headers) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    numbers = {answer.json()["number"] for answer in answers if answer.status_code == 201}
    assert len(numbers) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {
        "idempotency-key-in-use"
    }
    again = await live_client.post(CHECKOUT, json=body, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert {again.json()["number"]} == numbers
    async with transaction(live_app.state.database, live_app.state.cache) as session:
        assert await session.scalar(select(func.count()).select_from(Order)) == 1


async def test_checkouts_of_one_cart_at_once_make_one_order(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, live_app: Any
) -> None:
    seller, buyer = await live_sign_up(), await live_sign_up()
    pen = await an_item(live_client, seller, quantity=50)
    await fill_cart(live_client, buyer, (pen, 2))
    quote = await a_quote(live_client, buyer)
    answers = await asyncio.gather(*(check_out(live_client, buyer, quote["total"]) for _ in range(8)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 7}
    async with transaction(live_app.state.database, live_app.state.cache) as session:
        assert await session.scalar(select(func.count()).select_from(Order)) == 1
        assert await session.scalar(select(func.count()).select_from(Cart)) == 1


@pytest.mark.parametrize("line", ["PO Box 12", "P.O. 12", "PO#12", "Postfach 7"])
async def test_nothing_is_sent_to_a_po_box(client: httpx.AsyncClient, sign_up: SignUp, line: str) -> None:
    buyer, address = await sign_up(), {**ADDRESS, "street_line_1": line}
    for path, body in (
        (QUOTE, {}),
        (CHECKOUT, {"shipping_option": "standard", "expected_total": 1}),
        (PURCHASE, {"item_id": 1}),
    ):
        answer = await client.post(path, json={"address": address, **body}, headers=once(buyer))
        assert answer.status_code == 422, path
        assert [error["field"] for error in answer.json()["errors"]] == ["address.street_line_1"]
