"""A bundle is bought, given back and sent as one line; its parts leave the stock. What is not there or out yet waits."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from app.sales.orders.repository import OrderRepository
from app.sales.orders.service import OrderService
from tests.conftest import Caller, SignUp
from tests.factories import ADDRESS, a_book, a_quote, an_item, an_offer, an_order, fill_cart, once

STOCK = "/api/v1/inventory"


async def levels(
    client: httpx.AsyncClient, staff: Caller, *items: Mapping[str, Any]
) -> list[tuple[int, int]]:
    """On hand and reserved of each."""
    stocks = [(await client.get(f"{STOCK}/{item['id']}", headers=staff.headers)).json() for item in items]
    return [(one["on_hand"], one["reserved"]) for one in stocks]


async def act(
    client: httpx.AsyncClient, caller: Caller, order: Mapping[str, Any], action: str, body: object = None
) -> httpx.Response:
    path = f"/api/v1/orders/{order['number']}/{action}"
    return await client.post(path, json=body, headers=once(caller))


async def pay(session: AsyncSession, order: Mapping[str, Any]) -> None:
    paid = await OrderRepository(session).lock_number(order["number"])
    assert paid is not None
    assert await OrderService.build(session).mark_paid(paid)
    await session.flush()


async def test_a_bundle_is_bought_as_one_line_and_given_back_part_by_part(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer = await sign_up()
    pen = await an_item(client, seller, "Pen", quantity=5)
    ink = await an_item(client, seller, "Ink", quantity=7)
    offer = await an_offer(client, seller, (pen, 1), (ink, 2), price=15)
    order = await an_order(client, buyer, (offer, 3))
    [line] = order["lines"]
    told = {name: line[name] for name in ("item_id", "title", "quantity", "unit_price", "line_total")}
    assert told == {
        "item_id": offer["id"],
        "title": "Set",
        "quantity": 3,
        "unit_price": 15,
        "line_total": 45,
    }
    assert await levels(client, moderator, pen, ink) == [(5, 3), (7, 6)]
    assert (await client.get(f"/api/v1/offers/{offer['id']}")).json()["quantity"] == 0
    await fill_cart(client, await sign_up(), (pen, 2))
    refused = await client.post(
        "/api/v1/purchase",
        json={"item_id": offer["id"], "quantity": 1, "address": dict(ADDRESS)},
        headers=once(buyer),
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "insufficient-stock")
    assert (await act(client, buyer, order, "cancel")).status_code == 200
    assert await levels(client, moderator, pen, ink) == [(5, 0), (7, 0)]
    again = await an_order(client, buyer, (offer, 2))
    await pay(session, again)
    assert (await act(client, moderator, again, "ship", {})).status_code in {200, 201}
    assert await levels(client, moderator, pen, ink) == [(3, 0), (3, 0)]
    proof = (await client.get("/api/v1/admin/inventory/reconcile", headers=moderator.headers)).json()
    assert proof["is_sound"] is True


async def test_what_is_sold_before_it_is_there_or_out_is_sent_no_sooner(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, book = await sign_up(), await a_book(client, seller, "Unwritten")
    path = f"{STOCK}/{book['id']}"

    async def patch(body: object) -> None:
        assert (await client.patch(path, json=body, headers=moderator.headers)).status_code == 200

    await patch({"sale_policy": "preorder", "oversell_limit": 5, "on_sale_at": "2999-01-01"})
    offer = await an_offer(client, seller, (book, 2))
    order = await an_order(client, buyer, (offer, 1), (book, 1))
    await pay(session, order)
    assert await levels(client, moderator, book) == [(0, 3)]
    early = await act(client, moderator, order, "ship", {})
    assert (early.status_code, early.json()["code"]) == (409, "not-yet-on-sale")
    await patch({"on_sale_at": "2020-01-01"})
    missing = await act(client, moderator, order, "ship", {})
    assert (missing.status_code, missing.json()["code"]) == (409, "insufficient-stock")
    # Nobody buys any more of it, but what was promised is kept.
    await patch({"sale_policy": "none"})
    adjusted = {"delta": 3, "reason": "Printed"}
    await client.post(f"{path}/adjust", json=adjusted, headers=once(moderator))
    assert (await act(client, moderator, order, "ship", {})).status_code in {200, 201}
    assert await levels(client, moderator, book) == [(0, 0)]


async def test_a_fixed_price_and_the_weights_of_its_items_hold_for_a_bundle(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer = await sign_up()
    book = await a_book(client, seller, quantity=9, is_price_fixed=True, weight_grams=9_000)
    pen = await an_item(client, seller, quantity=9, weight_grams=10)
    offer = await an_offer(client, seller, (book, 2), (pen, 1), price=40)
    code = {"name": "Ten off", "code": "TEN", "discount_type": "percentage", "value": 10}
    made = await client.post("/api/v1/discounts", json=code, headers=(await sign_up(Role.ADMIN)).headers)
    assert made.status_code == 201, made.text
    await fill_cart(client, buyer, (pen, 1))
    light = await a_quote(client, buyer, coupon="TEN")
    assert light["discount"] == 1
    await fill_cart(client, buyer, (offer, 1))
    heavy = await a_quote(client, buyer, coupon="TEN")
    assert heavy["discount"] == 1
    assert heavy["shipping"] > light["shipping"]


@pytest.mark.parametrize(
    ("kinds", "tax"),
    [(["print", "print"], 7), (["ebook", "ebook"], 7), (["pen", "pen"], 19), (["print", "pen"], 19)],
)
async def test_a_bundle_is_taxed_as_its_parts_are_where_all_are_alike(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, kinds: list[str], tax: int
) -> None:
    parts = [
        await an_item(client, seller, quantity=5)
        if kind == "pen"
        else await a_book(client, seller, quantity=5, **({"format": "ebook"} if kind == "ebook" else {}))
        for kind in kinds
    ]
    buyer = await sign_up()
    offer = await an_offer(client, seller, *((part, 1) for part in parts), price=100)
    await fill_cart(client, buyer, (offer, 1))
    berlin = {**ADDRESS, "country": "DE", "zip_code": "10115", "city": "Berlin", "state": None}
    body = {"address": berlin}
    quote = (await client.post("/api/v1/checkout/quote", json=body, headers=buyer.headers)).json()
    assert quote["tax"] == tax


async def test_of_many_who_buy_a_bundle_or_its_parts_nobody_gets_what_is_not_there(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    staff, buyer = await live_sign_up(Role.MODERATOR), await live_sign_up()
    pen = await an_item(live_client, staff, "Pen", quantity=6)
    ink = await an_item(live_client, staff, "Ink", quantity=6)
    # The same two items in either order of their parts.
    offers = [
        await an_offer(live_client, staff, *parts) for parts in ([(pen, 1), (ink, 2)], [(ink, 1), (pen, 2)])
    ]
    bodies = [
        {"item_id": one["id"], "quantity": 1, "address": dict(ADDRESS)} for one in [*offers, pen, ink] * 4
    ]
    answers = await asyncio.gather(
        *(live_client.post("/api/v1/purchase", json=body, headers=once(buyer)) for body in bodies)
    )
    assert {one.status_code for one in answers} == {201, 409}
    reserved = [one for _, one in await levels(live_client, staff, pen, ink)]
    assert max(reserved) <= 6
    bought = [body["item_id"] for body, one in zip(bodies, answers, strict=True) if one.status_code == 201]
    first, second = (bought.count(offer["id"]) for offer in offers)
    assert reserved == [
        first + 2 * second + bought.count(pen["id"]),
        2 * first + second + bought.count(ink["id"]),
    ]
    proof = (await live_client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)).json()
    assert proof["is_sound"] is True
