"""A worker that is killed while a payment's provider thinks: the next asks with the same key, and nobody pays twice."""

import asyncio

from fastapi import FastAPI

from app.core.events.events import publish
from app.sales.models import Payment
from app.sales.payments.events import PaymentDoubted
from tests.conftest import SignUp
from tests.sales.payments.conftest import an_order, made
from tests.sales.payments.stripe_stand_in import SECRET_KEY, WEBHOOK_SECRET, open_stand_in

from .conftest import Ask, StartWorker, all_done


async def test_killed_between_the_row_and_the_answer_the_next_worker_asks_with_the_same_key(
    live_app: FastAPI, live_sign_up: SignUp, ask: Ask, start_worker: StartWorker
) -> None:
    user = await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        order = await made(session, an_order(user.id))
        payment = Payment(order_id=order.id, provider="stripe", amount=order.total, currency="EUR")
        session.add(payment)
        await session.flush()
        await publish(session, PaymentDoubted(payment.id))
    async with open_stand_in() as stripe:
        given = {
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "STRIPE_BASE_URL": stripe.url,
        }
        stripe.fault = "lose the answer"
        worker = start_worker(**given)
        async with asyncio.timeout(60):
            while not stripe.calls:
                await asyncio.sleep(0.02)
        worker.kill()
        worker.wait()
        assert await ask("SELECT status FROM payments") == "pending"
        start_worker(**given)
        await all_done(ask)
        assert set(stripe.calls) == {("payment_intents", f"{payment.id}:charge:1")}
        assert len(stripe.calls) == 2
        assert list(stripe.intents) == ["pi_1"]
    assert await ask("SELECT reference FROM payments") == "pi_1"
    assert await ask("SELECT count(*) FROM dead_letters") == 0
