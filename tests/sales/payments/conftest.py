"""Orders to be paid, and a worker's hand for the events about them."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import registry
from app.core.clock import utc_now
from app.core.db.transaction import transaction
from app.core.events.events import (
    Delivery,
    HandlerContext,
    OutboxEvent,
    run_external,
    run_transactional,
)
from app.core.mail import FileMailer
from app.sales.models import Order, OrderLine
from tests.conftest import Caller, SignUp
from tests.factories import once

# As a worker does: what is handled must not depend on which tests ran before.
registry.load_handlers()

WorkOff = Callable[..., Awaitable[None]]


def an_order(buyer_id: int | None, total: str = "42.50", **columns: Any) -> Order:
    """An order of the buyer, to be paid."""
    values: dict[str, Any] = {
        "user_id": buyer_id,
        "channel": "web",
        "status": "pending",
        "payment_status": "unpaid",
        "fulfilment_status": "unfulfilled",
        "currency": "EUR",
        "is_gross": True,
        "subtotal": Decimal(total),
        "discount": Decimal(0),
        "tax": Decimal(0),
        "shipping": Decimal(0),
        "total": Decimal(total),
    }
    return Order(**values | columns)


async def made(session: AsyncSession, order: Order) -> Order:
    """The order, written, with its number and a line that takes no stock."""
    session.add(order)
    await session.flush()
    line = OrderLine(
        order_id=order.id,
        position=1,
        item_id=10**12,
        kind="stationery",
        title="Gift wrap",
        quantity=1,
        unit_price=order.total,
        tax_class="goods",
        tax_rate=Decimal(0),
        tax=Decimal(0),
        discount=Decimal(0),
        line_total=order.total,
    )
    session.add(line)
    await session.flush()
    await session.refresh(order)
    return order


async def pay(
    client: httpx.AsyncClient,
    buyer: Caller,
    order: Order,
    card: str | None = "ok",
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Pay it with a card of the fake provider."""
    body = {"provider": "fake"} if card is None else {"provider": "fake", "card": card}
    path = f"/api/v1/orders/{order.number}/payments"
    return await client.post(path, json=body, headers=headers or once(buyer))


async def payments_of(client: httpx.AsyncClient, reader: Caller, order: Order) -> dict[str, Any]:
    """The order's payments, and what is due."""
    answer = await client.get(f"/api/v1/orders/{order.number}/payments", headers=reader.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class Killed(Exception):
    """The worker ends before it commits."""


async def work_off(application: FastAPI, *, dies_first: bool = False) -> None:
    """Handle the events about orders, payments and refunds as a worker does, until none is left.

    With `dies_first` each is handled by a worker that is killed right before it commits, and then by another.
    """
    state = application.state
    open_one = partial(transaction, state.database, state.cache)
    context = HandlerContext(
        open_one,
        FileMailer(Path("nowhere"), ""),
        state.settings,
        state.storage,
        state.redis,
        state.outbound,
    )
    ours = [OutboxEvent.type.startswith(kind) for kind in ("order.", "payment.", "refund.")]
    pending = select(OutboxEvent).where(OutboxEvent.done_at.is_(None), ours[0] | ours[1] | ours[2])
    while True:
        async with open_one() as session:
            event = await session.scalar(pending.order_by(OutboxEvent.id).limit(1))
        if event is None:
            return
        delivery = Delivery(event.id, 1, event.type, event.payload, "", event.created_at)
        if dies_first:
            await run_external(context, delivery)
            with suppress(Killed):
                async with open_one() as session:
                    await run_transactional(session, delivery)
                    raise Killed
        await run_external(context, delivery)
        async with open_one() as session:
            await run_transactional(session, delivery)
            (await session.get_one(OutboxEvent, event.id)).done_at = utc_now()


@pytest.fixture
async def buyer(sign_up: SignUp) -> Caller:
    """Who pays."""
    return await sign_up()


@pytest.fixture
async def order(session: AsyncSession, buyer: Caller) -> Order:
    """An order of the buyer over 42.50."""
    return await made(session, an_order(buyer.id))
