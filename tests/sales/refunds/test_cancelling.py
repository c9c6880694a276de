"""What was paid for an order that is off goes back, each payment once, whatever comes first."""

from decimal import Decimal

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import FakeTransaction, GiftCard, Order
from tests.conftest import Caller, SignUp, events_of
from tests.factories import once
from tests.sales.overdue import expire_overdue
from tests.sales.payments.conftest import an_order, made, pay, payments_of, work_off

from .conftest import refund, refunds_of


async def cancel(client: httpx.AsyncClient, caller: Caller, order: Order) -> httpx.Response:
    return await client.post(f"/api/v1/orders/{order.number}/cancel", headers=caller.headers)


async def gone_back(session: AsyncSession) -> Decimal:
    """What the fake provider has given back."""
    given = select(func.coalesce(func.sum(FakeTransaction.amount), 0))
    return Decimal(await session.scalar(given.where(FakeTransaction.returned.is_not(None))) or 0)


async def run_out_of_time(session: AsyncSession) -> None:
    """The one order there is was not paid in time; the worker has not heard of it yet."""
    await session.execute(text("UPDATE orders SET expires_at = now() - interval '1 minute'"))
    session.expire_all()
    assert await expire_overdue(session) == 1


async def a_gift_card(client: httpx.AsyncClient, staff: Caller, amount: float) -> str:
    card = await client.post("/api/v1/gift-cards", json={"amount": amount}, headers=once(staff))
    return str(card.json()["code"])


async def pay_by_gift_card(
    client: httpx.AsyncClient, buyer: Caller, order: Order, code: str
) -> httpx.Response:
    body = {"provider": "gift_card", "code": code}
    return await client.post(f"/api/v1/orders/{order.number}/payments", json=body, headers=once(buyer))


async def test_a_cancelled_order_gives_back_what_is_left_of_what_was_paid(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller, order: Order
) -> None:
    await refund(client, staff, order, amount=12.5)
    assert (await cancel(client, buyer, order)).status_code == 200
    for _ in range(2):
        await work_off(app)
    listed = await refunds_of(client, buyer, order)
    assert [(one["amount"], one["status"]) for one in listed["items"]] == [
        (12.5, "succeeded"),
        (30, "succeeded"),
    ]
    assert (listed["refundable"], listed["items"][1]["reason"]) == (0, "The order was cancelled.")
    assert await gone_back(session) == Decimal("42.50")
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("cancelled", "refunded")


async def test_an_order_that_is_cancelled_while_its_buyer_is_with_the_bank_stops_the_payment(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    begun = (await pay(client, buyer, order, "3ds")).json()
    assert (await cancel(client, buyer, order)).status_code == 200
    await work_off(app)
    (payment,) = (await payments_of(client, buyer, order))["items"]
    assert (payment["id"], payment["status"]) == (begun["id"], "cancelled")
    path = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"
    assert (await client.post(path, headers=buyer.headers)).json()["status"] == "cancelled"
    assert await gone_back(session) == 0


async def test_money_that_comes_for_a_cancelled_order_goes_back(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    begun = (await pay(client, buyer, order, "late_webhook")).json()
    assert (await cancel(client, buyer, order)).status_code == 200
    await work_off(app)
    (payment,) = (await payments_of(client, buyer, order))["items"]
    assert (payment["id"], payment["status"], payment["refunded"]) == (begun["id"], "succeeded", 42.5)
    assert await gone_back(session) == Decimal("42.50")
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("cancelled", "refunded")
    assert await events_of(session, "order.paid") == []


async def test_money_that_comes_late_revives_an_order_that_only_ran_out_of_time(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    await pay(client, buyer, order, "timeout")
    await run_out_of_time(session)
    await work_off(app)
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("processing", "paid")
    assert await gone_back(session) == 0
    assert len(await events_of(session, "order.paid")) == 1


async def test_a_gift_card_pays_its_part_and_a_card_the_rest(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    code = await a_gift_card(client, staff, 20)
    answer = await pay_by_gift_card(client, buyer, order, code)
    told = answer.json()
    assert (answer.status_code, told["status"], told["amount"]) == (201, "succeeded", 20), answer.text
    assert code not in answer.text
    again = await pay_by_gift_card(client, buyer, order, code)
    assert (again.status_code, again.json()["code"]) == (409, "gift-card-empty")
    assert (await payments_of(client, buyer, order))["due"] == 22.5
    await session.refresh(order)
    assert order.payment_status == "unpaid"
    assert (await pay(client, buyer, order)).json()["amount"] == 22.5
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("processing", "paid")
    # To the card first, then to the gift card.
    parts = (await refund(client, staff, order, amount=25)).json()["parts"]
    assert [(one["provider"], one["amount"]) for one in parts] == [("fake", 22.5), ("gift_card", 2.5)]
    assert await session.scalar(select(GiftCard.balance)) == Decimal("2.50")
    await cancel(client, buyer, order)
    await work_off(app)
    assert await session.scalar(select(GiftCard.balance)) == 20
    assert await gone_back(session) == Decimal("22.50")


async def test_a_gift_card_that_covers_all_pays_the_order(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    code = await a_gift_card(client, staff, 100)
    assert (await pay_by_gift_card(client, buyer, order, code)).json()["amount"] == 42.5
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("processing", "paid")
    assert len(await events_of(session, "payment.succeeded")) == 1


async def test_money_that_comes_before_the_worker_heard_of_the_end_keeps_the_order_it_revives(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    begun = (await pay(client, buyer, order, "3ds")).json()
    await run_out_of_time(session)
    back = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"
    assert (await client.post(back, headers=buyer.headers)).json()["status"] == "succeeded"
    await work_off(app)
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("processing", "paid")
    assert await gone_back(session) == 0


async def test_a_gift_card_that_has_its_part_back_pays_no_part_of_an_order_that_money_comes_for_late(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    await pay_by_gift_card(client, buyer, order, await a_gift_card(client, staff, 20))
    assert (await pay(client, buyer, order, "timeout")).json()["amount"] == 22.5
    await run_out_of_time(session)
    await work_off(app)
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("cancelled", "refunded")
    assert await gone_back(session) == Decimal("22.50")
    assert await session.scalar(select(GiftCard.balance)) == 20


async def test_what_went_back_before_the_order_was_paid_is_due_again_and_credits_nothing(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, staff: Caller
) -> None:
    order = await made(session, an_order(buyer.id))
    await pay_by_gift_card(client, buyer, order, await a_gift_card(client, staff, 20))
    await refund(client, staff, order, amount=15)
    assert (await payments_of(client, buyer, order))["due"] == 37.5
    assert (await pay(client, buyer, order)).json()["amount"] == 37.5
    await session.refresh(order)
    assert (order.status, order.payment_status) == ("processing", "paid")
    assert (await payments_of(client, buyer, order))["due"] == 0
    # What goes back of a paid order is not due again.
    await refund(client, staff, order, amount=40)
    assert (await payments_of(client, buyer, order))["due"] == 0
    again = await pay(client, buyer, order)
    assert (again.status_code, again.json()["code"]) == (409, "order-already-paid")
    await work_off(app)
    notes = await client.get(f"/api/v1/orders/{order.number}/credit-notes", headers=buyer.headers)
    assert sum(one["total"] for one in notes.json()["items"]) == 40


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"provider": "gift_card"}, 422),
        ({"provider": "gift_card", "code": ""}, 422),
        ({"provider": "gift_card", "code": "x", "card": "ok"}, 422),
        ({"provider": "fake", "code": "7K3M-9QXD-4T0H-W2RB"}, 422),
        ({"provider": "gift_card", "code": "7K3M-9QXD-4T0H-W2RB"}, 404),
    ],
)
async def test_a_code_that_is_none_pays_nothing(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp, body: dict[str, str], status: int
) -> None:
    buyer = await sign_up()
    order = await made(session, an_order(buyer.id))
    answer = await client.post(f"/api/v1/orders/{order.number}/payments", json=body, headers=once(buyer))
    assert answer.status_code == status, answer.text
    assert (await payments_of(client, buyer, order))["items"] == []
