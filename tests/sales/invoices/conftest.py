"""Paid orders, made in the database, and the worker's side of their invoices."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.db.transaction import transaction
from app.core.events.events import HandlerContext
from app.core.mail import make_mailer
from app.core.settings.groups import MailSettings
from app.core.settings.settings import Settings
from app.sales.models import Order, OrderLine
from app.sales.pricing import Line, TaxClass, price


class Sold(NamedTuple):
    """A line as a test says it."""

    title: str
    quantity: int = 1
    unit_price: str = "10.00"
    rate: str = "0.07"
    tax_class: TaxClass = TaxClass.PRINT


ADDRESS: dict[str, Any] = {
    "full_name": "Ada Lovelace",
    "street_line_1": "1 Market Street",
    "street_line_2": "Apt. 4",
    "city": "San Francisco",
    "state": "CA",
    "zip_code": "94105",
    "country": "US",
    "phone": "+14155550123",
    "address_type": "home",
    "is_primary": True,
}


async def an_order(
    session: AsyncSession,
    user_id: int | None,
    sold: Sequence[Sold] = (Sold("The Hobbit", 2, "12.50"),),
    **fields: Any,
) -> Order:
    """An order of these lines, paid unless `paid_at` says otherwise, priced as checkouts price."""
    is_gross, shipping = fields.get("is_gross", False), Decimal(fields.pop("shipping", "0"))
    lines = [
        Line(
            item_id=index,
            quantity=one.quantity,
            unit_price=Decimal(one.unit_price),
            tax_class=one.tax_class,
            is_price_fixed=False,
            category_ids=frozenset(),
            author_ids=frozenset(),
            weight_grams=0,
        )
        for index, one in enumerate(sold, 1)
    ]
    rates = {one.tax_class: Decimal(one.rate) for one in sold}
    totals = price(lines, rates=rates, is_gross=is_gross, shipping=shipping)
    values = {
        "user_id": user_id,
        "channel": "web",
        "status": "processing",
        "payment_status": "paid",
        "fulfilment_status": "unfulfilled",
        "currency": "EUR",
        "is_gross": is_gross,
        "address": ADDRESS,
        "paid_at": utc_now(),
        **{name: getattr(totals, name) for name in ("subtotal", "discount", "tax", "shipping", "total")},
    }
    order = Order(**(values | fields))
    session.add(order)
    await session.flush()
    for position, (one, priced) in enumerate(zip(sold, totals.lines, strict=True), 1):
        line = OrderLine(
            order_id=order.id,
            position=position,
            item_id=position,
            kind="book",
            title=one.title,
            isbn="9780261102217",
            sku=None,
            quantity=one.quantity,
            unit_price=priced.line.unit_price,
            tax_class=one.tax_class,
            tax_rate=priced.tax_rate,
            tax=priced.tax,
            discount=priced.discount,
            line_total=priced.line_total,
        )
        session.add(line)
    await session.flush()
    await session.refresh(order)
    return order


def worker_context(app: FastAPI) -> HandlerContext:
    """What a handler works with, on the application's database and files."""
    state = app.state
    settings: Settings = state.settings.model_copy(
        update={"mail": MailSettings(url=SecretStr("smtp://127.0.0.1:1"))}
    )
    return HandlerContext(
        lambda: transaction(state.database, state.cache),
        make_mailer(settings),
        settings,
        state.storage,
        state.redis,
        state.outbound,
    )


@pytest.fixture
def context(app: FastAPI, session: AsyncSession) -> HandlerContext:
    """The worker's side, in the test's transaction."""
    del session
    return worker_context(app)
