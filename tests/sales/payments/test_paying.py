"""Paying with the fake provider, whose cards do what their names say."""

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings.settings import Environment
from app.identity.permissions import Role
from app.sales.models import FakeTransaction, Order, Payment
from app.sales.payments.jobs import ask_about_payments
from tests.conftest import Caller, SignUp, events_of
from tests.factories import once

from .conftest import an_order, made, pay, payments_of, work_off


async def test_a_card_that_is_good_pays_the_order(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    answer = await pay(client, buyer, order)
    payment = answer.json()
    assert answer.status_code == 201, answer.text
    assert (payment["status"], payment["amount"], payment["currency"]) == ("succeeded", 42.5, "EUR")
    assert (payment["client_secret"], payment["failure_code"], payment["refunded"]) == (None, None, 0)
    assert answer.headers["cache-control"] == "private, no-store"
    listed = await payments_of(client, buyer, order)
    assert (listed["due"], listed["currency"]) == (0, "EUR")
    assert [one["id"] for one in listed["items"]] == [payment["id"]]
    await session.refresh(order)
    assert order.payment_status == "paid"
    (event,) = await events_of(session, "payment.succeeded")
    assert event == {
        "payment_id": payment["id"],
        "order_id": order.id,
        "provider": "fake",
        "amount": "42.50",
        "currency": "EUR",
    }


async def test_without_a_card_the_fake_provider_takes_a_good_one(
    client: httpx.AsyncClient, buyer: Caller, order: Order
) -> None:
    assert (await pay(client, buyer, order, None)).json()["status"] == "succeeded"


async def test_a_declined_card_fails_and_another_may_pay(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    answer = await pay(client, buyer, order, "declined")
    assert (answer.status_code, answer.json()["status"]) == (201, "failed")
    assert answer.json()["failure_code"] == "card_declined"
    assert len(await events_of(session, "payment.failed")) == 1
    await session.refresh(order)
    assert order.payment_status == "unpaid"
    assert (await payments_of(client, buyer, order))["due"] == 42.5
    assert (await pay(client, buyer, order)).json()["status"] == "succeeded"


async def test_three_d_secure_goes_on_in_the_browser(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    begun = (await pay(client, buyer, order, "3ds")).json()
    assert begun["status"] == "requires_action"
    assert begun["client_secret"]
    await session.refresh(order)
    assert order.payment_status == "pending"
    path = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"
    for _ in range(2):
        answer = await client.post(path, headers=buyer.headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "succeeded"), answer.text
    assert answer.json()["client_secret"] is None
    assert len(await events_of(session, "payment.succeeded")) == 1
    await session.refresh(order)
    assert order.payment_status == "paid"


async def test_the_secret_is_told_once_and_kept_nowhere(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    begun = (await pay(client, buyer, order, "3ds")).json()
    assert "client_secret" not in (await payments_of(client, buyer, order))["items"][0]
    for table in ("payments", "fake_transactions", "outbox_events", "idempotency_keys"):
        found = text(f"SELECT count(*) FROM {table} AS one WHERE one::text LIKE :secret")  # noqa: S608 (our own names)
        assert await session.scalar(found, {"secret": f"%{begun['client_secret']}%"}) == 0


async def test_a_buyer_who_turned_back_half_way_may_pay_in_another_way(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    first = (await pay(client, buyer, order, "3ds")).json()
    assert (await pay(client, buyer, order)).json()["status"] == "succeeded"
    states = {one["id"]: one["status"] for one in (await payments_of(client, buyer, order))["items"]}
    assert states[first["id"]] == "cancelled"
    assert sorted(states.values()) == ["cancelled", "succeeded"]
    assert len(await events_of(session, "payment.cancelled")) == 1


async def test_an_answer_that_is_lost_leaves_the_payment_pending_until_the_job_asks_with_the_same_key(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    answer = await pay(client, buyer, order, "timeout")
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    refused = await pay(client, buyer, order)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment-under-way")
    assert await ask_about_payments(session) == 0
    await session.execute(text("UPDATE payments SET asked_at = asked_at - interval '2 minutes'"))
    # Whatever the provider sends by webhook is lost as well.
    await session.execute(text("UPDATE outbox_events SET done_at = now()"))
    assert await ask_about_payments(session) == 1
    await session.flush()
    await work_off(app)
    assert (await payments_of(client, buyer, order))["due"] == 0
    (charge,) = await session.scalars(select(FakeTransaction))
    assert (charge.key, charge.calls) == (f"{answer.json()['id']}:charge:1", 2)


async def test_a_late_webhook_pays_the_order_when_it_comes_twice_and_out_of_order(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    assert (await pay(client, buyer, order, "late_webhook")).json()["status"] == "pending"
    await work_off(app)
    (payment,) = (await payments_of(client, buyer, order))["items"]
    assert payment["status"] == "succeeded"
    kept = list(await session.scalars(text("SELECT type FROM payment_webhooks ORDER BY id")))
    assert kept == ["charge.succeeded", "charge.created"]
    assert len(await events_of(session, "payment.succeeded")) == 1


async def test_the_same_key_pays_once_and_has_the_same_answer(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    headers = once(buyer)
    first = await pay(client, buyer, order, headers=headers)
    again = await pay(client, buyer, order, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotent-replayed"] == "true"
    other = await pay(client, buyer, order, "declined", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert len(list(await session.scalars(select(Payment)))) == 1


async def test_a_request_made_again_after_a_crash_finds_the_payment_that_it_began(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    headers = once(buyer)
    first = (await pay(client, buyer, order, "3ds", headers=headers)).json()
    await session.execute(text("DELETE FROM idempotency_keys"))
    again = (await pay(client, buyer, order, "3ds", headers=headers)).json()
    assert again == first
    (charge,) = await session.scalars(select(FakeTransaction))
    assert charge.calls == 2


async def test_without_a_key_nothing_is_paid(client: httpx.AsyncClient, buyer: Caller, order: Order) -> None:
    answer = await pay(client, buyer, order, headers=buyer.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")


async def test_somebody_elses_order_is_not_there(
    client: httpx.AsyncClient, sign_up: SignUp, buyer: Caller, order: Order
) -> None:
    stranger, admin = await sign_up(), await sign_up(Role.ADMIN)
    begun = (await pay(client, buyer, order, "3ds")).json()
    path = f"/api/v1/orders/{order.number}/payments"
    for who in (stranger, admin):
        answer = await pay(client, who, order)
        assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")
        confirmed = await client.post(f"{path}/{begun['id']}/confirm", headers=who.headers)
        assert confirmed.status_code == 404
    assert (await client.get(path, headers=stranger.headers)).status_code == 404
    assert (await client.get(path, headers=admin.headers)).json()["items"][0]["id"] == begun["id"]
    assert (await client.get(path)).status_code == 401
    assert (
        await client.get("/api/v1/orders/ORD-00000000/payments", headers=buyer.headers)
    ).status_code == 404


async def test_a_payment_of_another_order_is_not_this_ones(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    other = await made(session, an_order(buyer.id))
    begun = (await pay(client, buyer, other, "3ds")).json()
    path = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"
    answer = await client.post(path, headers=buyer.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "payment-not-found")
    answer = await client.post(path.replace(f"/{begun['id']}/", "/999999999/"), headers=buyer.headers)
    assert answer.status_code == 404


async def test_what_is_paid_or_over_cannot_be_paid(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order
) -> None:
    await pay(client, buyer, order)
    answer = await pay(client, buyer, order)
    assert (answer.status_code, answer.json()["code"]) == (409, "order-already-paid")
    for status in ("cancelled", "returned"):
        closed = await made(session, an_order(buyer.id, status=status))
        answer = await pay(client, buyer, closed)
        assert (answer.status_code, answer.json()["code"]) == (409, "order-not-payable")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "provider"),
        ({"provider": "paypal"}, "provider"),
        ({"provider": "fake", "card": "4242424242424242"}, "card"),
        ({"provider": "fake", "card": "ok", "cvc": "123"}, "cvc"),
        ({"provider": None}, "provider"),
        ({"provider": "fake", "card": ["ok"]}, "card"),
    ],
)
async def test_a_bad_request_is_refused_by_its_field(
    client: httpx.AsyncClient, buyer: Caller, order: Order, body: dict[str, object], field: str
) -> None:
    path = f"/api/v1/orders/{order.number}/payments"
    answer = await client.post(path, json=body, headers=once(buyer))
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_stripe_takes_no_fake_cards_and_is_not_offered_without_its_keys(
    client: httpx.AsyncClient, buyer: Caller, order: Order
) -> None:
    path = f"/api/v1/orders/{order.number}/payments"
    answer = await client.post(path, json={"provider": "stripe", "card": "ok"}, headers=once(buyer))
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (422, "card_of_another_provider")
    answer = await client.post(path, json={"provider": "stripe"}, headers=once(buyer))
    assert (answer.status_code, answer.json()["code"]) == (409, "payment-provider-not-offered")


@pytest.mark.parametrize(
    ("environment", "wanted", "is_taken"),
    [
        (Environment.PRODUCTION, None, False),
        (Environment.STAGING, None, False),
        (Environment.DEVELOPMENT, None, True),
        (Environment.TESTING, None, True),
        (Environment.PRODUCTION, True, True),
        (Environment.DEVELOPMENT, False, False),
    ],
)
def test_the_fake_provider_is_taken_outside_of_production_unless_a_setting_says_otherwise(
    app: FastAPI, environment: Environment, wanted: bool | None, is_taken: bool
) -> None:
    settings = app.state.settings
    payments = settings.payments.model_copy(update={"fake": wanted})
    changed = settings.model_copy(update={"environment": environment, "payments": payments})
    assert changed.takes_fake_payments is is_taken
