"""Paying by Stripe, through its own SDK, against a stand-in of its API."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.identity.permissions import Role
from app.sales.models import Order
from app.sales.payments.jobs import ask_about_payments
from app.sales.payments.port import ProviderRefused
from app.sales.payments.stripe import to_minor
from devstack import Servers
from tests.conftest import Caller, DatabaseMaker, client_of, make_account, running_app, settings_for
from tests.factories import once

from .conftest import an_order, made, payments_of, work_off
from .stripe_stand_in import SECRET_KEY, WEBHOOK_SECRET, StripeStandIn, open_stand_in

WEBHOOK = "/api/v1/payments/webhooks/stripe"


@pytest.fixture
async def stripe() -> AsyncIterator[StripeStandIn]:
    async with open_stand_in() as stand_in:
        yield stand_in


@pytest.fixture
async def shop(
    servers: Servers, make_database: DatabaseMaker, stripe: StripeStandIn
) -> AsyncIterator[FastAPI]:
    """The application with Stripe's keys, which really commits."""
    keys = {"secret_key": SECRET_KEY, "webhook_secret": WEBHOOK_SECRET, "base_url": stripe.url}
    with make_database() as url:
        settings = settings_for(servers, url, stripe=keys, payments={"timeout": 1})
        async with running_app(settings) as application:
            yield application


@pytest.fixture
async def client(shop: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(shop) as http:
        yield http


@pytest.fixture
async def buyer(shop: FastAPI) -> Caller:
    async with shop.state.database.sessions.begin() as session:
        return await make_account(shop, session)


@pytest.fixture
async def order(shop: FastAPI, buyer: Caller) -> Order:
    async with shop.state.database.sessions.begin() as session:
        return await made(session, an_order(buyer.id))


async def pay(
    client: httpx.AsyncClient, buyer: Caller, order: Order, headers: dict[str, str] | None = None
) -> httpx.Response:
    path = f"/api/v1/orders/{order.number}/payments"
    return await client.post(path, json={"provider": "stripe"}, headers=headers or once(buyer))


async def look_again(shop: FastAPI) -> None:
    """As the schedule does, two minutes later."""
    async with shop.state.database.sessions.begin() as session:
        await session.execute(text("UPDATE payments SET asked_at = asked_at - interval '2 minutes'"))
        assert await ask_about_payments(session) == 1
    await work_off(shop)


async def test_the_browser_pays_with_the_secret_and_comes_back(
    client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    answer = await pay(client, buyer, order)
    begun = answer.json()
    assert (answer.status_code, begun["status"]) == (201, "requires_action"), answer.text
    assert begun["client_secret"] == "pi_1_secret_abc"
    intent = stripe.intents["pi_1"]
    assert (intent["amount"], intent["currency"]) == (4250, "eur")
    assert intent["metadata"] == {"payment_id": str(begun["id"]), "order": order.number}
    assert stripe.calls == [("payment_intents", f"{begun['id']}:charge:1")]
    path = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"
    assert (await client.post(path, headers=buyer.headers)).json()["status"] == "requires_action"
    stripe.confirm("pi_1")
    assert (await client.post(path, headers=buyer.headers)).json()["status"] == "succeeded"
    assert (await payments_of(client, buyer, order))["due"] == 0


async def test_a_webhook_alone_pays_the_order_whatever_its_order(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    await pay(client, buyer, order)
    stripe.confirm("pi_1")
    intent = stripe.intents["pi_1"]
    late = {**intent, "status": "requires_action"}
    for kind, about, number in (
        ("payment_intent.succeeded", intent, "evt_2"),
        ("payment_intent.created", late, "evt_1"),
        ("payment_intent.succeeded", intent, "evt_2"),
    ):
        body, headers = stripe.event(kind, about, number)
        answer = await client.post(WEBHOOK, content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True}), answer.text
    await work_off(shop)
    assert (await payments_of(client, buyer, order))["items"][0]["status"] == "succeeded"
    async with shop.state.database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM payment_webhooks")) == 2
        told = text("SELECT count(*) FROM outbox_events WHERE type = 'payment.succeeded'")
        assert await connection.scalar(told) == 1


async def test_a_webhook_that_stripe_did_not_sign_is_refused(
    client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    await pay(client, buyer, order)
    body, headers = stripe.event("payment_intent.succeeded", stripe.intents["pi_1"])
    signature = headers["Stripe-Signature"]
    for sent, signed in (
        (body + b" ", signature),
        (body, ""),
        (body, "t=1,v1=00"),
        (body, signature.replace("t=", "t=1")),
        (b"\xff", signature),
        (b"", signature),
    ):
        answer = await client.post(WEBHOOK, content=sent, headers={"Stripe-Signature": signed})
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook-signature-invalid")


async def test_a_declined_card_leaves_the_buyer_another_try_with_the_same_payment(
    client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    begun = (await pay(client, buyer, order)).json()
    path = f"/api/v1/orders/{order.number}/payments/{begun['id']}/confirm"
    stripe.decline("pi_1")
    told = (await client.post(path, headers=buyer.headers)).json()
    assert (told["status"], told["failure_code"]) == ("requires_action", "card_declined")
    stripe.confirm("pi_1")
    stripe.intents["pi_1"]["last_payment_error"] = None
    assert (await client.post(path, headers=buyer.headers)).json()["status"] == "succeeded"


async def test_a_lost_answer_leaves_it_pending_and_asking_again_makes_no_second_intent(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    stripe.fault = "lose the answer"
    begun = (await pay(client, buyer, order)).json()
    assert (begun["status"], begun["client_secret"]) == ("pending", None)
    await look_again(shop)
    assert list(stripe.intents) == ["pi_1"]
    assert {key for _, key in stripe.calls} == {f"{begun['id']}:charge:1"}
    assert (await payments_of(client, buyer, order))["items"][0]["status"] == "requires_action"
    stripe.confirm("pi_1")
    await look_again(shop)
    assert (await payments_of(client, buyer, order))["due"] == 0


async def test_a_payment_whose_answer_was_lost_is_stopped_when_its_order_was_called_off(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    stripe.fault = "lose the answer"
    await pay(client, buyer, order)
    cancelled = await client.post(f"/api/v1/orders/{order.number}/cancel", headers=buyer.headers)
    assert cancelled.status_code == 200, cancelled.text
    await look_again(shop)
    assert stripe.intents["pi_1"]["status"] == "canceled"
    assert (await payments_of(client, buyer, order))["items"][0]["status"] == "cancelled"


async def test_a_webhook_comes_before_the_answer_does(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    stripe.fault = "lose the answer"
    await pay(client, buyer, order)
    stripe.confirm("pi_1")
    body, headers = stripe.event("payment_intent.succeeded", stripe.intents["pi_1"])
    assert (await client.post(WEBHOOK, content=body, headers=headers)).status_code == 200
    await work_off(shop)
    assert (await payments_of(client, buyer, order))["due"] == 0


async def test_what_stripe_refuses_has_failed_and_nothing_of_its_words_is_kept(
    shop: FastAPI,
    client: httpx.AsyncClient,
    stripe: StripeStandIn,
    buyer: Caller,
    order: Order,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stripe.fault = "refuse"
    answer = await pay(client, buyer, order)
    assert (answer.status_code, answer.json()["status"]) == (201, "failed")
    assert answer.json()["failure_code"] == "amount_too_large"
    assert "4242" not in answer.text + caplog.text
    async with shop.state.database.reading() as connection:
        for table in ("payments", "outbox_events"):
            kept = text(f"SELECT count(*) FROM {table} AS one WHERE one::text LIKE '%4242%'")  # noqa: S608 (our own names)
            assert await connection.scalar(kept) == 0
    assert (await pay(client, buyer, order)).json()["status"] == "requires_action"


async def test_while_stripe_is_down_the_payment_waits(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    stripe.fault = "down"
    headers = once(buyer)
    begun = (await pay(client, buyer, order, headers)).json()
    assert begun["status"] == "pending"
    await look_again(shop)
    assert (await payments_of(client, buyer, order))["items"][0]["status"] == "requires_action"
    again = await pay(client, buyer, order, headers)
    assert again.headers["idempotent-replayed"] == "true"


async def test_another_payment_stops_the_one_before_unless_that_was_paid(
    client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    await pay(client, buyer, order)
    assert (await pay(client, buyer, order)).json()["client_secret"] == "pi_2_secret_abc"
    assert stripe.intents["pi_1"]["status"] == "canceled"
    stripe.confirm("pi_2")
    answer = await pay(client, buyer, order)
    assert (answer.status_code, answer.json()["code"]) == (409, "order-already-paid")
    states = [one["status"] for one in (await payments_of(client, buyer, order))["items"]]
    assert states == ["cancelled", "succeeded"]


async def staff_of(shop: FastAPI) -> Caller:
    """Somebody who may give money back."""
    async with shop.state.database.sessions.begin() as session:
        return await make_account(shop, session, Role.ADMIN)


async def paid(
    client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> tuple[str, int]:
    """Pay the order, by the first PaymentIntent; its path, and the payment's id."""
    begun = (await pay(client, buyer, order)).json()
    stripe.confirm("pi_1")
    path = f"/api/v1/orders/{order.number}"
    await client.post(f"{path}/payments/{begun['id']}/confirm", headers=buyer.headers)
    return path, begun["id"]


async def test_while_a_payment_is_disputed_nothing_of_it_is_refunded(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    staff = await staff_of(shop)
    path, _ = await paid(client, stripe, buyer, order)
    dispute = stripe.dispute("pi_1")

    async def hear(kind: str, number: str) -> bool:
        body, headers = stripe.event(f"charge.dispute.{kind}", dispute, number)
        assert (await client.post(WEBHOOK, content=body, headers=headers)).status_code == 200
        await work_off(shop)
        return (await payments_of(client, buyer, order))["items"][0]["disputed_at"] is not None

    async def give_back() -> tuple[int, Any]:
        body = {"amount": 10.5, "reason": "A page is missing"}
        answer = await client.post(f"{path}/refunds", json=body, headers=once(staff))
        return answer.status_code, answer.json().get("code")

    assert await hear("created", "evt_1")
    assert await give_back() == (409, "payment-in-dispute")
    await client.post(f"{path}/cancel", headers=buyer.headers)
    # Events come in any order: how it stands is asked for.
    dispute["status"] = "lost"
    assert await hear("closed", "evt_2")
    assert stripe.refunds == {}
    dispute["status"] = "won"
    assert not await hear("funds_reinstated", "evt_3")
    assert await give_back() == (201, None)
    async with shop.state.database.reading() as connection:
        told = text("SELECT count(*) FROM outbox_events WHERE type = 'payment.disputed'")
        assert await connection.scalar(told) == 1


async def test_a_refund_is_asked_for_with_its_own_key_and_a_webhook_ends_it(
    shop: FastAPI, client: httpx.AsyncClient, stripe: StripeStandIn, buyer: Caller, order: Order
) -> None:
    staff = await staff_of(shop)
    path, payment_id = await paid(client, stripe, buyer, order)
    stripe.refund_status = "pending"
    body = {"amount": 10.5, "reason": "A page is missing"}
    told = (await client.post(f"{path}/refunds", json=body, headers=once(staff))).json()
    assert (told["status"], told["amount"]) == ("pending", 10.5)
    assert stripe.refunds["re_1"]["amount"] == 1050
    called, key = stripe.calls[-1]
    assert (called, key.split(":")[0], key.split(":")[2]) == ("refunds", str(payment_id), "1")
    stripe.refunds["re_1"]["status"] = "succeeded"
    event, headers = stripe.event("refund.updated", stripe.refunds["re_1"], "evt_9")
    assert (await client.post(WEBHOOK, content=event, headers=headers)).status_code == 200
    await work_off(shop)
    listed = (await client.get(f"{path}/refunds", headers=buyer.headers)).json()
    assert ([one["status"] for one in listed["items"]], listed["refundable"]) == (["succeeded"], 32)
    assert len(stripe.refunds) == 1


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("42.50", "EUR", 4250), ("0.01", "USD", 1), ("500", "JPY", 500), ("1.25", "KWD", 1250)],
)
def test_amounts_go_in_the_smallest_unit_of_their_currency(amount: str, currency: str, units: int) -> None:
    assert to_minor(Decimal(amount), currency) == units


def test_an_amount_below_the_smallest_unit_is_refused() -> None:
    with pytest.raises(ProviderRefused):
        to_minor(Decimal("0.50"), "JPY")
