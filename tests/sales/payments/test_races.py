"""Payments at once, with real commits: money is captured once, whoever comes first."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.sales.models import Order
from app.sales.payments.fake import FakeProvider
from tests.conftest import Caller, SignUp
from tests.factories import once

from .conftest import an_order, made, pay, payments_of, work_off


@pytest.fixture
async def buyer(live_sign_up: SignUp) -> Caller:
    return await live_sign_up()


@pytest.fixture
async def order(live_app: FastAPI, buyer: Caller) -> Order:
    async with live_app.state.database.sessions.begin() as session:
        return await made(session, an_order(buyer.id))


async def count(app: FastAPI, statement: str) -> Any:
    async with app.state.database.reading() as connection:
        return await connection.scalar(text(statement))


async def test_webhook_and_browser_at_once_capture_once(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, order: Order
) -> None:
    begun = (await pay(live_client, buyer, order, "3ds")).json()
    provider = live_app.state.payment_providers.get("fake")
    assert isinstance(provider, FakeProvider)
    reference = f"fake_ch_{begun['id']}"
    await provider.resume(reference)
    sent = await provider.tell(reference)
    back = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"

    async def come_back() -> int:
        return (await live_client.post(back, headers=buyer.headers)).status_code

    async def send(number: int) -> int:
        event = sent[number % len(sent)]
        path = "/api/v1/payments/webhooks/fake"
        answer = await live_client.post(path, content=event.body, headers=event.headers)
        await work_off(live_app)
        return answer.status_code

    tasks = [one for number in range(6) for one in (come_back(), send(number))]
    assert set(await asyncio.gather(*tasks)) == {200}
    await work_off(live_app)
    assert await count(live_app, "SELECT count(*) FROM payment_webhooks") == 2
    assert await count(live_app, "SELECT count(*) FROM outbox_events WHERE type = 'payment.succeeded'") == 1
    listed = await payments_of(live_client, buyer, order)
    assert [(one["status"], one["amount"]) for one in listed["items"]] == [("succeeded", 42.5)]
    assert listed["due"] == 0


async def test_of_many_payments_at_once_for_one_order_one_is_made(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, order: Order
) -> None:
    answers = await asyncio.gather(*(pay(live_client, buyer, order) for _ in range(20)))
    told = Counter(answer.json().get("code") or answer.json()["status"] for answer in answers)
    assert told["succeeded"] == 1
    assert set(told) <= {"succeeded", "order-already-paid", "payment-under-way"}
    assert await count(live_app, "SELECT count(*) FROM fake_transactions") == 1
    assert (await payments_of(live_client, buyer, order))["due"] == 0


async def test_cards_that_wait_for_the_buyer_give_way_and_one_payment_is_captured(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, order: Order
) -> None:
    cards = ["3ds", "ok", "3ds", "declined", "3ds", "ok"] * 2
    answers = await asyncio.gather(*(pay(live_client, buyer, order, card) for card in cards))
    assert {answer.status_code for answer in answers} <= {201, 409}
    if (await payments_of(live_client, buyer, order))["due"]:
        await pay(live_client, buyer, order)
    states = Counter(one["status"] for one in (await payments_of(live_client, buyer, order))["items"])
    assert states["succeeded"] == 1
    assert states["pending"] + states["requires_action"] == 0
    taken = "SELECT count(*) FROM fake_transactions WHERE status = 'succeeded'"
    assert await count(live_app, taken) == 1


async def test_the_same_key_from_many_clients_makes_one_payment(
    live_app: FastAPI, live_client: httpx.AsyncClient, buyer: Caller, order: Order
) -> None:
    headers = once(buyer)
    answers = await asyncio.gather(*(pay(live_client, buyer, order, headers=headers) for _ in range(20)))
    made_ids = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    assert len(made_ids) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 201} <= {
        "idempotency-key-in-use"
    }
    assert await count(live_app, "SELECT count(*) FROM payments") == 1
    assert await count(live_app, "SELECT calls FROM fake_transactions") == 1
