"""What comes in from providers: signed over its very bytes, stored once, looked into afterwards."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.sales.models import Order
from app.sales.payments.fake import SIGNATURE, FakeProvider, SignedEvent
from tests.conftest import Caller, events_of

from .conftest import pay, payments_of, work_off

WEBHOOK = "/api/v1/payments/webhooks/fake"


@pytest.fixture
def provider(app: FastAPI) -> FakeProvider:
    opened = app.state.payment_providers.get("fake")
    assert isinstance(opened, FakeProvider)
    return opened


async def send(client: httpx.AsyncClient, event: SignedEvent) -> httpx.Response:
    return await client.post(WEBHOOK, content=event.body, headers=event.headers)


async def test_an_event_is_stored_once_however_often_it_comes(
    app: FastAPI,
    client: httpx.AsyncClient,
    session: AsyncSession,
    buyer: Caller,
    order: Order,
    provider: FakeProvider,
) -> None:
    payment = (await pay(client, buyer, order, "late_webhook")).json()
    now, began, again = await provider.tell(f"fake_ch_{payment['id']}")
    for event in (began, again, now, began):
        answer = await send(client, event)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    assert await session.scalar(text("SELECT count(*) FROM payment_webhooks")) == 2
    assert len(await events_of(session, "payment.webhook_received")) == 2
    # Nothing is settled while the provider waits for its answer.
    assert (await payments_of(client, buyer, order))["items"][0]["status"] == "pending"
    await work_off(app)
    assert (await payments_of(client, buyer, order))["items"][0]["status"] == "succeeded"
    assert len(await events_of(session, "payment.succeeded")) == 1


async def test_a_body_with_another_byte_or_no_signature_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order, provider: FakeProvider
) -> None:
    payment = (await pay(client, buyer, order, "late_webhook")).json()
    good = (await provider.tell(f"fake_ch_{payment['id']}"))[0]
    stamp, _, signature = good.headers[SIGNATURE].partition(",")
    bad: list[tuple[bytes, dict[str, str]]] = [
        (good.body + b" ", good.headers),
        (good.body, {}),
        (good.body, {SIGNATURE: ""}),
        (good.body, {SIGNATURE: "nonsense,,,="}),
        (good.body, {SIGNATURE: f"{stamp},v1=0000"}),
        (good.body, {SIGNATURE: f"{stamp}0,{signature}"}),
        (b"", good.headers),
        (b"\xff\x00", good.headers),
    ]
    for body, headers in bad:
        answer = await client.post(WEBHOOK, content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "webhook-signature-invalid")
    assert await session.scalar(text("SELECT count(*) FROM payment_webhooks")) == 0


async def test_an_old_signature_is_refused(
    client: httpx.AsyncClient,
    buyer: Caller,
    order: Order,
    provider: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    payment = (await pay(client, buyer, order)).json()
    with monkeypatch.context() as past:
        past.setattr("app.sales.payments.fake.utc_now", lambda: utc_now() - timedelta(minutes=6))
        old = (await provider.tell(f"fake_ch_{payment['id']}"))[0]
    assert (await send(client, old)).status_code == 400


async def test_a_body_that_is_too_large_and_a_provider_that_is_none_are_refused(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(WEBHOOK, content=b"x" * (1024 * 1024 + 1))
    assert answer.status_code == 413
    for name in ("stripe", "nobody"):
        answer = await client.post(f"/api/v1/payments/webhooks/{name}", content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (409, "payment-provider-not-offered")


async def test_an_event_of_no_payment_is_acknowledged_and_changes_nothing(
    app: FastAPI, client: httpx.AsyncClient, session: AsyncSession, provider: FakeProvider
) -> None:
    told: dict[str, str | int] = {"id": "evt_1", "type": "charge.succeeded", "payment_id": 10**12}
    event = provider._signed(told, "fake_ch_9")  # noqa: SLF001 (as the provider signs)
    assert (await send(client, event)).status_code == 200
    await work_off(app)
    pending = await session.scalars(text("SELECT id FROM outbox_events WHERE done_at IS NULL"))
    assert not list(pending)
