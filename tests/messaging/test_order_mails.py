"""Each thing that happens to an order is mailed once, to whoever bought it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from app.core.events.events import Event
from app.sales.models import Order, OrderLine, Shipment
from app.sales.orders.events import (
    OrderCancelled,
    OrderCreated,
    OrderPaid,
    OrderReadyForPickup,
    OrderRefunded,
    OrderShipped,
)
from tests.messaging.conftest import Mailed
from tests.sales.invoices.conftest import Sold, an_order
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import text_of

LINES = (Sold("Who <b>owns</b> evil.example?", 2, "12.50"), Sold("Война и мир", 3, "1.99"))


@dataclass(frozen=True)
class Bought:
    """An order, as events name it."""

    id: int
    number: str
    shipment_id: int


async def bought(app: FastAPI, user_id: int | None = 1, lines: Sequence[Sold] = LINES) -> Bought:
    async with app.state.database.sessions.begin() as session:
        order: Order = await an_order(session, user_id, lines)
        order.pickup_code = "K7WQ2XMR"
        ids = select(OrderLine.id).where(OrderLine.order_id == order.id).order_by(OrderLine.position)
        packed = [{"line_id": (await session.scalars(ids)).all()[-1], "quantity": 1}]
        parcel = Shipment(order_id=order.id, carrier="DHL", tracking="JJD 0099", lines=packed)
        session.add(parcel)
        await session.flush()
        return Bought(order.id, order.number, parcel.id)


async def test_an_order_is_mailed_when_it_is_placed_paid_shipped_and_refunded(
    mailed: Mailed, live_app: FastAPI
) -> None:
    order = await bought(live_app)
    about = (order.id, order.number)
    events: list[Event] = [
        OrderCreated(*about, "33.14", "EUR", user_id=1),
        OrderPaid(*about),
        OrderShipped(*about, order.shipment_id),
        OrderRefunded(*about, 1, "5.50"),
        OrderReadyForPickup(*about),
    ]
    subjects, texts = [], []
    for number, event in enumerate(events, 1):
        mails = await mailed(event)
        assert len(mails) == number
        assert mails[-1]["To"] == "ada@example.com"
        subjects.append(mails[-1]["Subject"])
        texts.append(text_of(mails[-1]))
        html = text_of(mails[-1], "html")
        assert order.number in texts[-1]
        assert order.number in html
        assert "<b>owns" not in html
    assert subjects == [
        "We have your order",
        "Your order is paid",
        "Your order is on its way",
        "Money for your order is on its way back",
        "Your order is ready for you",
    ]
    assert "2 x Who <b>owns</b> evil.\u200bexample?: 25.00 EUR" in texts[0]
    assert "Total: 33.14 EUR" in texts[0]
    assert "1 x Война и мир" in texts[2]
    assert "DHL" in texts[2]
    assert "JJD 0099" in texts[2]
    assert "Who" not in texts[2]
    assert "5.50 EUR" in texts[3]
    assert "K7WQ2XMR" in texts[4]
    assert not any("K7WQ2XMR" in text for text in texts[:4])


async def test_amounts_are_not_misread_where_commas_are_decimal(
    mailed: Mailed, live_app: FastAPI, change: Change
) -> None:
    order = await bought(live_app, lines=[Sold("Atlas", 2, "1250.50")])
    await change("UPDATE users SET language = 'de'")
    [mail] = await mailed(OrderCreated(order.id, order.number, "2501.00", "EUR", user_id=1))
    assert "2 x Atlas: 2501.00 EUR" in text_of(mail)


@pytest.mark.parametrize(
    ("reason", "words"), [("expired", "was not paid in time"), ("cancelled", "is cancelled")]
)
async def test_a_cancelled_order_is_mailed_with_the_reason(
    mailed: Mailed, live_app: FastAPI, reason: str, words: str
) -> None:
    order = await bought(live_app)
    [mail] = await mailed(OrderCancelled(order.id, order.number, reason))
    assert mail["Subject"] == "Your order is cancelled"
    assert words in text_of(mail)


async def test_an_event_that_comes_twice_is_mailed_once(
    mailed: Mailed, live_app: FastAPI, change: Change, ask: Ask
) -> None:
    order = await bought(live_app)
    assert len(await mailed(OrderPaid(order.id, order.number))) == 1
    await change(
        "UPDATE outbox_events SET done_at = NULL, locked_until = now(), available_at = now() WHERE type = 'order.paid'"
    )
    assert len(await mailed(None)) == 1
    assert await ask("SELECT count(*) FROM mail_log") == 1
    assert await ask("SELECT count(*) FROM invoices") == 1


async def test_a_sale_without_an_account_is_mailed_to_nobody(mailed: Mailed, live_app: FastAPI) -> None:
    order = await bought(live_app, None)
    assert await mailed(OrderPaid(order.id, order.number)) == []
