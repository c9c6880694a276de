"""A shop that sells in yen: its amounts have no decimals (ISO 4217), and others are refused before they are kept."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.currencies import set_shop_currency
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Caller, make_account, running_app, settings_for
from tests.factories import an_item, an_order, once

ITEM = {"title": "Pen", "kind": "stationery", "price": 1250}
METHOD = {"name": "Letter", "code": "letter", "carrier": "Post", "price": 250, "days": 3}
DISCOUNT = {"name": "Sale", "discount_type": "fixed", "value": 500}


@pytest.fixture
async def live_app(servers: Servers, empty_database_url: str) -> AsyncIterator[FastAPI]:
    async with running_app(settings_for(servers, empty_database_url, currency="JPY")) as application:
        yield application
    set_shop_currency("EUR")


@pytest.fixture
async def admin(live_app: FastAPI) -> Caller:
    async with live_app.state.database.sessions.begin() as session:
        return await make_account(live_app, session, Role.ADMIN)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("items", ITEM, "price"),
        ("gift-cards", {"amount": 5000}, "amount"),
        ("discounts", DISCOUNT, "value"),
        ("discounts", DISCOUNT | {"min_order": 3000}, "min_order"),
        ("discounts", DISCOUNT | {"max_discount": 400}, "max_discount"),
        ("admin/shipping-methods", METHOD, "price"),
    ],
)
async def test_an_amount_with_decimals_is_refused_and_one_without_is_not(
    live_client: httpx.AsyncClient, admin: Caller, path: str, body: dict[str, Any], field: str
) -> None:
    odd = body | {field: body[field] + 0.5}
    refused = await live_client.post(f"/api/v1/{path}", json=odd, headers=once(admin))
    assert refused.status_code == 422, refused.text
    [error] = refused.json()["errors"]
    assert (error["field"], error["message"]) == (field, "must have 0 decimals, as amounts of JPY have")
    made = await live_client.post(f"/api/v1/{path}", json=body, headers=once(admin))
    assert made.status_code == 201, made.text


async def test_a_percentage_may_have_decimals_until_it_becomes_an_amount(
    live_client: httpx.AsyncClient, admin: Caller
) -> None:
    body = {"name": "Sale", "discount_type": "percentage", "value": 12.5}
    sale = await live_client.post("/api/v1/discounts", json=body, headers=once(admin))
    assert sale.status_code == 201, sale.text
    path = f"/api/v1/discounts/{sale.json()['id']}"
    turned = await live_client.patch(path, json={"discount_type": "fixed"}, headers=admin.headers)
    assert (turned.status_code, turned.json()["code"]) == (422, "amount-not-in-currency")
    assert (await live_client.get(path, headers=admin.headers)).json()["discount_type"] == "percentage"


async def test_what_is_bought_and_given_back_comes_out_even(
    live_client: httpx.AsyncClient, admin: Caller
) -> None:
    pen = await an_item(live_client, admin, price=1251, quantity=5)
    sale = {"name": "Sale", "discount_type": "percentage", "value": 12.5}
    await live_client.post("/api/v1/discounts", json=sale, headers=once(admin))
    order = await an_order(live_client, admin, (pen, 3))
    amounts = [order[name] for name in ("subtotal", "discount", "tax", "shipping", "total")]
    assert all(amount == int(amount) for amount in amounts), amounts
    assert (order["currency"], order["discount"]) == ("JPY", 469)
    path = f"/api/v1/orders/{order['number']}"
    card = {"provider": "fake", "card": "ok"}
    paid = await live_client.post(f"{path}/payments", json=card, headers=once(admin))
    assert paid.json()["amount"] == order["total"], paid.text
    refunds = f"{path}/refunds"
    odd = {"amount": 100.5, "reason": "Leaks"}
    refused = await live_client.post(refunds, json=odd, headers=once(admin))
    assert (refused.status_code, refused.json()["code"]) == (422, "amount-not-in-currency")
    assert refused.json()["errors"][0]["field"] == "amount"
    back = await live_client.post(refunds, json=odd | {"amount": 100}, headers=once(admin))
    assert (back.status_code, back.json()["amount"]) == (201, 100), back.text
