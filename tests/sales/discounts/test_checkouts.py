"""Discounts where they are used: in carts, quotes and orders, also of fifty buyers at once."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select

from app.identity.permissions import Role
from app.sales.models import Discount, DiscountRedemption
from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_quote, an_item, an_order, check_out, fill_cart, made, once

DISCOUNTS = "/api/v1/discounts"
COUPON = "/api/v1/cart/coupon"


@pytest.fixture
async def admin(sign_up: SignUp) -> Caller:
    """Somebody who may write discounts."""
    return await sign_up(Role.ADMIN)


async def a_rule(
    client: httpx.AsyncClient, admin: Caller, value: float = 10, **fields: Any
) -> dict[str, Any]:
    return await made(client, admin, DISCOUNTS, {"discount_type": "percentage", "value": value, **fields})


async def used(client: httpx.AsyncClient, admin: Caller, rule: dict[str, Any]) -> int:
    return int((await client.get(f"{DISCOUNTS}/{rule['id']}", headers=admin.headers)).json()["used"])


async def test_a_coupon_takes_its_share_before_tax(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, sign_up: SignUp
) -> None:
    buyer, book = await sign_up(), await a_book(client, seller, price=999.99, quantity=3)
    await a_rule(client, admin, 15, code="SPRING")
    rate = {"country": "US", "state": "CA", "tax_class": "print", "rate": 0.08, "valid_from": "2020-01-01"}
    await made(client, admin, "/api/v1/admin/tax-rates", rate)
    await fill_cart(client, buyer, (book, 1))
    assert (await client.post(COUPON, json={"code": "spring"}, headers=buyer.headers)).status_code == 200
    quote = await a_quote(client, buyer)
    assert (quote["subtotal"], quote["discount"], quote["tax"]) == (999.99, 150.00, 68.00)
    assert quote["total"] == pytest.approx(917.99 + quote["shipping"])
    assert quote["explain"] == ["SPRING: 150.00 off."]
    order = (await check_out(client, buyer, quote["total"])).json()
    assert (order["lines"][0]["discount"], order["total"]) == (150.00, quote["total"])


async def test_the_quote_says_what_applied_and_why_not(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, price=20, quantity=9)
    await a_rule(client, admin, name="For pens", item_ids=[pen["id"]], priority=1)
    await a_rule(client, admin, name="For all")
    await a_rule(client, admin, name="For many", min_order=100)
    await a_rule(client, admin, name="Alone", is_exclusive=True, max_discount=1)
    await fill_cart(client, buyer, (pen, 1))
    quote = await a_quote(client, buyer)
    assert quote["discount"] == 3.8
    assert quote["explain"] == [
        "For pens: 2.00 off.",
        "For all: 1.80 off.",
        "For many: not applied, the order must come to 100.00.",
        "Alone: not applied, it does not go with what is and saves no more.",
    ]


async def test_a_book_at_a_fixed_price_is_left_out(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, price=20, quantity=9)
    fixed = await a_book(client, seller, price=30, quantity=9, is_price_fixed=True)
    await a_rule(client, admin, min_order=50)
    await fill_cart(client, buyer, (pen, 1), (fixed, 1))
    quote = await a_quote(client, buyer)
    assert (quote["subtotal"], quote["discount"]) == (50, 2)
    assert quote["explain"] == [
        "10% off: 2.00 off.",
        "10% off: not for 1 of the lines, whose price is fixed.",
    ]
    order = (await check_out(client, buyer, quote["total"])).json()
    assert {line["item_id"]: line["discount"] for line in order["lines"]} == {pen["id"]: 2, fixed["id"]: 0}


async def test_a_cancelled_order_gives_its_discount_back(
    client: httpx.AsyncClient, admin: Caller, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, price=20, quantity=9)
    rule = await a_rule(client, admin, usage_limit=1, per_customer_limit=1)
    order = await an_order(client, buyer, (pen, 1))
    assert (order["discount"], await used(client, admin, rule)) == (2, 1)
    # Nothing is left of it: the next order costs the whole price.
    other = await an_order(client, buyer, (pen, 1))
    assert other["discount"] == 0
    path = f"/api/v1/orders/{order['number']}/cancel"
    for _ in range(2):
        await client.post(path, headers=once(buyer))
    assert await used(client, admin, rule) == 0
    assert (await an_order(client, buyer, (pen, 1)))["discount"] == 2


async def test_of_fifty_checkouts_at_once_ten_have_a_code_that_is_for_ten(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    pen = await an_item(live_client, admin, price=20, quantity=100)
    rule = await a_rule(live_client, admin, code="TEN", usage_limit=10)
    buyers = [await live_sign_up() for _ in range(50)]
    for buyer in buyers:
        await fill_cart(live_client, buyer, (pen, 1))
        answer = await live_client.post(COUPON, json={"code": "TEN"}, headers=buyer.headers)
        assert answer.status_code == 200, answer.text
    total = (await a_quote(live_client, buyers[0]))["total"]

    async def insist(buyer: Caller) -> httpx.Response:
        while (answer := await check_out(live_client, buyer, total)).status_code == 503:
            # A busy machine has no connection for everybody in time.
            await asyncio.sleep(0.1)
        return answer

    answers = await asyncio.gather(*(insist(buyer) for buyer in buyers))
    assert Counter(answer.status_code == 201 for answer in answers) == {True: 10, False: 40}
    refusals = {answer.json()["code"] for answer in answers if answer.status_code != 201}
    assert refusals <= {"discount-exhausted", "coupon-not-valid", "price-changed"}, refusals
    async with live_app.state.database.sessions() as session:
        assert (await session.get_one(Discount, rule["id"])).used == 10
        assert await session.scalar(select(func.count()).select_from(DiscountRedemption)) == 10
    stock = await live_client.get(f"/api/v1/inventory/{pen['id']}", headers=admin.headers)
    assert stock.json()["reserved"] == 10
