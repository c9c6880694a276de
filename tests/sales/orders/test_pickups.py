"""Click and collect: laid out, told a code, handed over to whoever shows it."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.sales.orders.pickup_codes import is_code, make_code
from app.sales.orders.queries import has_purchased
from tests.conftest import Caller, SignUp, events_of
from tests.factories import an_item, an_order, check_out, fill_cart
from tests.sales.orders.test_orders import ORDERS, pay, post, read, stock_of


async def to_collect(
    client: httpx.AsyncClient, buyer: Caller, *lines: tuple[dict[str, Any], int]
) -> dict[str, Any]:
    """An order that its buyer will come for."""
    await fill_cart(client, buyer, *lines)
    total = sum(10 * quantity for _, quantity in lines)
    answer = await check_out(client, buyer, total, shipping_option="pickup")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_collected_orders_whole_way(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    order = await to_collect(client, buyer, (pen, 2))
    early = await post(client, moderator, order, "ready")
    assert (early.status_code, early.json()["code"]) == (409, "illegal-transition")
    await pay(session, order["number"])
    timeline = (await client.get(f"{ORDERS}/{order['number']}/timeline", headers=moderator.headers)).json()
    assert timeline["allowed"] == ["cancel", "ready", "ship", "ship_part"]
    ready = await post(client, moderator, order, "ready")
    assert ready.status_code == 200, ready.text
    assert (ready.json()["status"], ready.json()["fulfilment_status"]) == ("processing", "ready_for_pickup")
    assert ready.json()["pickup_code"] is None
    assert (await read(client, moderator, order))["pickup_code"] is None
    code = (await read(client, buyer, order))["pickup_code"]
    assert len(code) == 8
    assert await stock_of(client, moderator, pen) == (5, 2)
    [event] = await events_of(session, "order.ready_for_pickup")
    assert event["number"] == order["number"]
    again = await post(client, moderator, order, "ready")
    assert (again.status_code, again.json()["allowed"]) == (409, ["cancel", "pick_up"])
    wrong = await post(client, moderator, order, "pick-up", {"code": make_code()})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "wrong-pickup-code")
    assert wrong.json()["errors"][0]["field"] == "code"
    assert await stock_of(client, moderator, pen) == (5, 2)
    shown = f"{code[:4]}-{code[4:]}".lower()
    handed = await post(client, moderator, order, "pick-up", {"code": shown})
    assert handed.status_code == 200, handed.text
    assert (handed.json()["status"], handed.json()["fulfilment_status"]) == ("delivered", "delivered")
    assert handed.json()["lines"][0]["shipped"] == 2
    assert handed.json()["delivered_at"] is not None
    assert await stock_of(client, moderator, pen) == (3, 0)
    assert await has_purchased(await session.connection(), buyer.id, pen["id"])
    assert len(await events_of(session, "order.delivered")) == 1
    assert (await read(client, buyer, order))["pickup_code"] is None
    twice = await post(client, moderator, order, "pick-up", {"code": code})
    assert (twice.status_code, twice.json()["allowed"]) == (409, ["return"])
    told = (await client.get(f"{ORDERS}/{order['number']}/timeline", headers=buyer.headers)).json()["events"]
    assert [one["kind"] for one in told] == ["placed", "paid", "ready_for_pickup", "picked_up"]
    sound = await client.get("/api/v1/admin/inventory/reconcile", headers=moderator.headers)
    assert sound.json()["is_sound"] is True


async def test_only_what_is_collected_is_laid_out_and_only_by_staff(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    sent = await an_order(client, buyer, (pen, 1))
    assert await pay(session, sent["number"])
    for action, body in (("ready", None), ("pick-up", {"code": "AAAAAAAA"})):
        answer = await post(client, moderator, sent, action, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal-transition")
        assert (await post(client, buyer, sent, action, body)).status_code == 403
    gone = await post(client, moderator, {"number": "ORD-00000000"}, "ready")
    assert (gone.status_code, gone.json()["code"]) == (404, "order-not-found")


async def test_what_nobody_collects_is_called_off(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    order = await to_collect(client, buyer, (pen, 2))
    await pay(session, order["number"])
    await post(client, moderator, order, "ready")
    code = (await read(client, buyer, order))["pickup_code"]
    cancelled = await post(client, moderator, order, "cancel")
    assert (cancelled.json()["status"], cancelled.json()["fulfilment_status"]) == (
        "cancelled",
        "unfulfilled",
    )
    assert await stock_of(client, moderator, pen) == (5, 0)
    late = await post(client, moderator, order, "pick-up", {"code": code})
    assert late.json()["code"] == "illegal-transition"


async def test_what_is_not_out_yet_waits(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    early = {"sale_policy": "preorder", "oversell_limit": 9, "on_sale_at": "2999-01-01"}
    await client.patch(f"/api/v1/inventory/{pen['id']}", json=early, headers=moderator.headers)
    order = await to_collect(client, buyer, (pen, 2))
    await pay(session, order["number"])
    answer = await post(client, moderator, order, "ready")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-yet-on-sale")


@pytest.mark.parametrize("body", [{}, {"code": ""}, {"code": " "}, {"code": 1}, {"code": "A" * 41}])
async def test_a_missing_code_is_refused(client: httpx.AsyncClient, moderator: Caller, body: Any) -> None:
    answer = await post(client, moderator, {"number": "ORD-00000001"}, "pick-up", body)
    assert answer.status_code == 422


def test_codes_have_no_letters_that_look_alike() -> None:
    codes = {make_code() for _ in range(500)}
    assert len(codes) == 500
    assert not set("".join(codes)) & set("0O1IL5S8B2ZUQG")
    assert is_code(" ａcdE-fHjk ", "ACDEFHJK")
    assert not is_code("ACDEFHJ", "ACDEFHJK")
    assert not is_code("", "ACDEFHJK")
    assert not is_code("ÄCDEFHJK", "ACDEFHJK")


async def test_two_counters_hand_over_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, live_app: FastAPI
) -> None:
    seller, staff = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    buyer = await live_sign_up()
    pen = await an_item(live_client, seller, quantity=5)
    order = await to_collect(live_client, buyer, (pen, 2))
    async with transaction(live_app.state.database, live_app.state.cache) as session:
        assert await pay(session, order["number"])
    assert (await post(live_client, staff, order, "ready")).status_code == 200
    code = (await read(live_client, buyer, order))["pickup_code"]
    handing = [post(live_client, staff, order, "pick-up", {"code": code}) for _ in range(4)]
    cancelling = [post(live_client, staff, order, "cancel") for _ in range(2)]
    answers = await asyncio.gather(*handing, *cancelling)
    assert sum(answer.status_code == 200 for answer in answers) == 1
    left = await stock_of(live_client, staff, pen)
    assert left == ((3, 0) if 200 in [answer.status_code for answer in answers[:4]] else (5, 0))
