"""The worker issues and prints what events tell it, whatever happens on the way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, Event, HandlerContext
from app.sales.invoices.handlers import credit_refund, invoice_order
from app.sales.models import Invoice, InvoiceFile
from app.sales.orders.events import OrderPaid, OrderRefunded
from tests.conftest import Caller

from .conftest import an_order


def delivery(event: Event) -> Delivery:
    return Delivery(1, 1, event.type, {}, "", utc_now())


class Killed(Exception):
    """The worker was."""


@pytest.mark.parametrize("survived", [0, 1, 2])
async def test_a_worker_killed_anywhere_leaves_one_invoice_with_one_pdf(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext, survived: int
) -> None:
    order = await an_order(session, seller.id)
    event, opened = OrderPaid(order.id, order.number), 0

    @asynccontextmanager
    async def dying() -> AsyncIterator[AsyncSession]:
        nonlocal opened
        opened += 1
        async with context.transaction() as inner:
            yield inner
            if opened > survived:
                raise Killed

    with pytest.raises(Killed):
        await invoice_order(replace(context, transaction=dying), event, delivery(event))
    pdf = f"/api/v1/orders/{order.number}/invoice.pdf"
    assert (await client.get(pdf, headers=seller.headers)).status_code == 409
    for _ in range(2):
        await invoice_order(context, event, delivery(event))
    assert (await client.get(pdf, headers=seller.headers)).status_code == 200
    for table in (Invoice, InvoiceFile):
        assert await session.scalar(select(func.count()).select_from(table)) == 1
    assert (await session.scalars(select(Invoice.number))).one().endswith("-000001")


async def test_a_refund_is_credited_once_in_whatever_order_events_come(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession, context: HandlerContext
) -> None:
    order = await an_order(session, seller.id)
    paid, refunded = OrderPaid(order.id, order.number), OrderRefunded(order.id, order.number, 3, "5.00")
    for _ in range(2):
        await credit_refund(context, refunded, delivery(refunded))
    await invoice_order(context, paid, delivery(paid))
    path = f"/api/v1/orders/{order.number}"
    [note] = (await client.get(f"{path}/credit-notes", headers=seller.headers)).json()["items"]
    assert Decimal(str(note["total"])) == 5
    for rest in (f"credit-notes/{note['number']}.pdf", "invoice.pdf"):
        assert (await client.get(f"{path}/{rest}", headers=seller.headers)).status_code == 200
