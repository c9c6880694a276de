"""Orders that are paid, and staff that give money back."""

from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from app.sales.models import Order, OrderLine, OrderPart
from tests.conftest import Caller, SignUp
from tests.factories import once
from tests.sales.payments.conftest import an_order, made, pay


async def refund(
    client: httpx.AsyncClient,
    staff: Caller,
    order: Order,
    headers: dict[str, str] | None = None,
    **body: Any,
) -> httpx.Response:
    """Give back, for some reason."""
    path = f"/api/v1/orders/{order.number}/refunds"
    sent = {"reason": "A page is missing", **body}
    return await client.post(path, json=sent, headers=headers or once(staff))


async def refunds_of(client: httpx.AsyncClient, reader: Caller, order: Order) -> dict[str, Any]:
    """The order's refunds, and what is refundable."""
    answer = await client.get(f"/api/v1/orders/{order.number}/refunds", headers=reader.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def with_line(
    session: AsyncSession, order: Order, item_id: int, quantity: int, total: str, **columns: Any
) -> OrderLine:
    """A line of the order, all of it sent."""
    values: dict[str, Any] = {
        "order_id": order.id,
        "position": 2,
        "item_id": item_id,
        "kind": "stationery",
        "title": "Pen",
        "quantity": quantity,
        "unit_price": Decimal(total) / quantity,
        "tax_class": "goods",
        "tax_rate": Decimal(0),
        "tax": Decimal(0),
        "discount": Decimal(0),
        "line_total": Decimal(total),
    }
    line = OrderLine(**values | columns)
    session.add(line)
    await session.flush()
    part = OrderPart(line_id=line.id, item_id=item_id, order_id=order.id, quantity=quantity, shipped=quantity)
    session.add(part)
    await session.flush()
    return line


@pytest.fixture
async def buyer(sign_up: SignUp) -> Caller:
    """Who paid."""
    return await sign_up()


@pytest.fixture
async def staff(sign_up: SignUp) -> Caller:
    """Who gives back."""
    return await sign_up(Role.ADMIN)


@pytest.fixture
async def order(client: httpx.AsyncClient, session: AsyncSession, buyer: Caller) -> Order:
    """An order of the buyer over 42.50, paid."""
    paid = await made(session, an_order(buyer.id))
    assert (await pay(client, buyer, paid)).json()["status"] == "succeeded"
    return paid
