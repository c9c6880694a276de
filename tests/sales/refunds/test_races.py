"""Refunds, payments and cancellations at once, with real commits: sums hold whoever comes first."""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.identity.permissions import Role
from app.sales.models import Order
from tests.conftest import Caller, SignUp
from tests.factories import an_item, once
from tests.sales.payments.conftest import an_order, made, pay, payments_of, work_off

from .conftest import refund, refunds_of, with_line


@pytest.fixture
async def buyer(live_sign_up: SignUp) -> Caller:
    return await live_sign_up()


@pytest.fixture
async def staff(live_sign_up: SignUp) -> Caller:
    return await live_sign_up(Role.ADMIN)


async def an_unpaid(app: FastAPI, buyer: Caller) -> Order:
    async with app.state.database.sessions.begin() as session:
        return await made(session, an_order(buyer.id))


async def ask(app: FastAPI, statement: str) -> Any:
    async with app.state.database.reading() as connection:
        return await connection.scalar(text(statement))


async def balance(app: FastAPI) -> Decimal:
    """What the fake provider took and did not give back."""
    return Decimal(
        await ask(
            app,
            "SELECT coalesce(sum(CASE WHEN returned IS NULL THEN amount ELSE -amount END), 0)"
            " FROM fake_transactions WHERE status = 'succeeded'",
        )
    )


async def test_many_refunds_at_once_never_exceed_what_was_paid(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, staff: Caller
) -> None:
    order = await an_unpaid(live_app, buyer)
    await pay(live_client, buyer, order)
    answers = await asyncio.gather(*(refund(live_client, staff, order, amount=10) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 4, 409: 16}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {
        "refund-exceeds-captured"
    }
    listed = await refunds_of(live_client, staff, order)
    assert (sum(one["amount"] for one in listed["items"]), listed["refundable"]) == (40, 2.5)
    assert await balance(live_app) == Decimal("2.50")


async def test_the_same_key_from_many_gives_back_once(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, staff: Caller
) -> None:
    order = await an_unpaid(live_app, buyer)
    await pay(live_client, buyer, order)
    headers = once(staff)
    answers = await asyncio.gather(
        *(refund(live_client, staff, order, headers, amount=10) for _ in range(10))
    )
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert await balance(live_app) == Decimal("32.50")


@pytest.mark.parametrize("card", ["ok", "3ds", "late_webhook", "timeout"])
async def test_pay_and_cancel_at_once_leave_an_order_that_is_paid_or_money_that_is_back(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, card: str
) -> None:
    orders = [await an_unpaid(live_app, buyer) for _ in range(6)]

    async def cancel(order: Order) -> httpx.Response:
        return await live_client.post(f"/api/v1/orders/{order.number}/cancel", headers=buyer.headers)

    both = [one for order in orders for one in (pay(live_client, buyer, order, card), cancel(order))]
    answers = await asyncio.gather(*both)
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(text("UPDATE payments SET asked_at = asked_at - interval '2 minutes'"))
    for _ in range(2):
        await work_off(live_app)
    kept = Decimal(0)
    for order in orders:
        told = (await live_client.get(f"/api/v1/orders/{order.number}", headers=buyer.headers)).json()
        (payment,) = (await payments_of(live_client, buyer, order))["items"] or [{"status": "none"}]
        if told["status"] == "cancelled":
            assert payment["status"] != "succeeded" or payment["refunded"] == payment["amount"]
        elif payment["status"] == "succeeded":
            assert (told["status"], told["payment_status"]) == ("processing", "paid")
            kept += order.total
    assert await balance(live_app) == kept
    twice = (
        "SELECT count(*) FROM (SELECT 1 FROM refund_parts GROUP BY payment_id HAVING count(*) > 1) AS twice"
    )
    assert await ask(live_app, twice) == 0


async def test_refund_and_cancel_at_once_give_back_once(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, staff: Caller
) -> None:
    order = await an_unpaid(live_app, buyer)
    await pay(live_client, buyer, order)
    cancelled = live_client.post(f"/api/v1/orders/{order.number}/cancel", headers=buyer.headers)
    await asyncio.gather(
        cancelled, *(refund(live_client, staff, order, amount=30) for _ in range(5)), work_off(live_app)
    )
    await work_off(live_app)
    assert await balance(live_app) == 0
    listed = await refunds_of(live_client, staff, order)
    assert sum(one["amount"] for one in listed["items"] if one["status"] == "succeeded") == 42.5


async def test_stock_that_comes_back_is_locked_in_one_order_sent_or_not(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp, buyer: Caller, staff: Caller
) -> None:
    seller = await live_sign_up()
    sent = await an_item(live_client, seller, "Sent", quantity=5)
    kept = await an_item(live_client, seller, "Kept", quantity=5)
    level = "SELECT item_id FROM stock_levels WHERE item_id = :item FOR UPDATE NOWAIT"
    async with live_app.state.database.sessions.begin() as session:
        order = await made(session, an_order(buyer.id, "20.00"))
        await with_line(session, order, sent["id"], 1, "10.00")
        line = await with_line(session, order, kept["id"], 1, "10.00", position=3)
        part = "UPDATE order_parts SET shipped = 0, reserved = 1 WHERE line_id = :line"
        await session.execute(text(part), {"line": line.id})
        apart = "UPDATE stock_levels SET reserved = 1 WHERE item_id = :item"
        await session.execute(text(apart), {"item": kept["id"]})
    await pay(live_client, buyer, order)
    lines = [{"item_id": item["id"], "quantity": 1} for item in (kept, sent)]
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with live_app.state.database.sessions.begin() as session:
        await session.execute(text(level), {"item": sent["id"]})
        refunding = asyncio.create_task(refund(live_client, staff, order, lines=lines, restock=True))
        while not await ask(live_app, waiting):
            await asyncio.sleep(0.02)
        # Whoever waits for the first has not the second.
        await session.execute(text(level), {"item": kept["id"]})
    answer = await refunding
    assert answer.status_code == 201, answer.text
    levels = "SELECT string_agg(on_hand || '/' || reserved, ' ' ORDER BY item_id) FROM stock_levels"
    assert await ask(live_app, levels) == "6/0 5/0"
