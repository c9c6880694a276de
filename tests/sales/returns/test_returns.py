"""Sending back: asked, approved, received, and then the money or not."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.identity.permissions import Role
from app.sales.models import Order, OrderLine, ReturnStatus
from app.sales.returns.states import TRANSITIONS, ReturnAction
from tests.conftest import Caller, SignUp
from tests.factories import an_item, once
from tests.sales.payments.conftest import an_order, made, pay
from tests.sales.refunds.conftest import refund, refunds_of, with_line


@pytest.fixture
async def buyer(sign_up: SignUp) -> Caller:
    return await sign_up()


@pytest.fixture
async def staff(sign_up: SignUp) -> Caller:
    return await sign_up(Role.ADMIN)


@pytest.fixture
async def pens(client: httpx.AsyncClient, seller: Caller) -> dict[str, Any]:
    return await an_item(client, seller, quantity=0)


@pytest.fixture
async def order(client: httpx.AsyncClient, session: AsyncSession, buyer: Caller) -> Order:
    """Paid; what is in it, and that it is delivered, follows."""
    paid = await made(session, an_order(buyer.id, "10.00"))
    await pay(client, buyer, paid)
    delivered = (
        "UPDATE orders SET status = 'delivered', fulfilment_status = 'delivered', delivered_at = now()"
    )
    await session.execute(text(delivered))
    await session.execute(text("DELETE FROM order_lines"))
    await session.refresh(paid)
    return paid


@pytest.fixture
async def line(session: AsyncSession, order: Order, pens: dict[str, Any]) -> OrderLine:
    """Three pens for 10.00."""
    return await with_line(session, order, pens["id"], 3, "10.00")


async def ask(
    client: httpx.AsyncClient, buyer: Caller, order: Order, line: OrderLine, quantity: int = 2, **body: Any
) -> httpx.Response:
    lines = [{"line_id": line.id, "quantity": quantity}]
    path = f"/api/v1/orders/{order.number}/returns"
    return await client.post(
        path, json={"lines": lines, "reason": "They leak", **body}, headers=buyer.headers
    )


async def act(
    client: httpx.AsyncClient, caller: Caller, return_id: int, action: str, **body: Any
) -> httpx.Response:
    path = f"/api/v1/returns/{return_id}/{action}"
    return await client.post(path, json=body, headers=once(caller))


async def test_from_the_wish_to_the_money(
    client: httpx.AsyncClient,
    session: AsyncSession,
    buyer: Caller,
    staff: Caller,
    order: Order,
    line: OrderLine,
) -> None:
    answer = await ask(client, buyer, order, line)
    wish = answer.json()
    assert (answer.status_code, wish["status"], wish["order_number"]) == (201, "requested", order.number)
    assert wish["lines"] == [{"line_id": line.id, "quantity": 2, "received": 0, "damaged": 0}]
    assert (await act(client, staff, wish["id"], "approve")).json()["status"] == "approved"
    came = [{"line_id": line.id, "quantity": 1}, {"line_id": line.id, "quantity": 1, "condition": "damaged"}]
    received = (await act(client, staff, wish["id"], "receive", lines=came)).json()
    assert received["status"] == "received"
    assert received["lines"] == [{"line_id": line.id, "quantity": 2, "received": 2, "damaged": 1}]
    # One is to be sold again, of the other the ledger tells that it came and went.
    assert (await client.get(f"/api/v1/items/{line.item_id}")).json()["quantity"] == 1
    ledger = await client.get(f"/api/v1/inventory/{line.item_id}/movements", headers=staff.headers)
    moved = [(one["kind"], one["delta"]) for one in ledger.json()["items"]]
    assert moved[:2] == [("adjustment", -1), ("return", 2)]
    proof = await client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    assert proof.json()["mismatches"] == 0
    done = (await act(client, staff, wish["id"], "refund")).json()
    assert done["status"] == "refunded"
    (refund,) = (await refunds_of(client, buyer, order))["items"]
    assert (refund["id"], refund["amount"], refund["status"]) == (done["refund_id"], 6.67, "succeeded")
    await session.refresh(order)
    assert (order.status, order.fulfilment_status) == ("delivered", "partially_returned")
    assert order.payment_status == "partially_refunded"
    assert (await ask(client, buyer, order, line)).json()["code"] == "return-exceeds-delivered"


async def test_an_order_that_came_back_whole_is_returned(
    client: httpx.AsyncClient,
    session: AsyncSession,
    buyer: Caller,
    staff: Caller,
    order: Order,
    line: OrderLine,
) -> None:
    wish = (await ask(client, buyer, order, line, 3)).json()
    await act(client, staff, wish["id"], "approve")
    received = (await act(client, staff, wish["id"], "receive")).json()
    assert received["lines"][0]["received"] == 3
    await session.refresh(order)
    assert (order.status, order.fulfilment_status) == ("returned", "returned")
    assert (await act(client, staff, wish["id"], "refund")).json()["status"] == "refunded"
    await session.refresh(order)
    assert order.payment_status == "refunded"


async def test_what_never_left_or_came_back_without_being_asked_for_counts_as_well(
    client: httpx.AsyncClient,
    session: AsyncSession,
    buyer: Caller,
    staff: Caller,
    order: Order,
    line: OrderLine,
) -> None:
    # Of three pieces one was taken back before it was sent, one comes without a return.
    await session.execute(text("UPDATE order_parts SET shipped = 2"))
    lines = [{"line_id": line.id, "quantity": 1}]
    await refund(client, staff, order, lines=lines, restock=True)
    await session.refresh(order)
    assert (order.status, order.fulfilment_status) == ("delivered", "partially_returned")
    wish = (await ask(client, buyer, order, line, 1)).json()
    for action in ("approve", "receive"):
        await act(client, staff, wish["id"], action)
    await session.refresh(order)
    assert (order.status, order.fulfilment_status) == ("returned", "returned")


async def test_staff_may_give_back_less_or_reject_what_came(
    client: httpx.AsyncClient, buyer: Caller, staff: Caller, order: Order, line: OrderLine
) -> None:
    first, second = [(await ask(client, buyer, order, line, 1)).json() for _ in range(2)]
    for wish in (first, second):
        await act(client, staff, wish["id"], "approve")
        await act(client, staff, wish["id"], "receive")
    assert (await act(client, staff, first["id"], "refund", amount=1.5)).json()["status"] == "refunded"
    assert (await refunds_of(client, buyer, order))["items"][0]["amount"] == 1.5
    rejected = (await act(client, staff, second["id"], "reject", note="Written dry")).json()
    assert (rejected["status"], rejected["note"], rejected["refund_id"]) == ("rejected", "Written dry", None)


async def test_only_within_the_days_after_delivery(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order, line: OrderLine
) -> None:
    order.delivered_at = utc_now() - timedelta(days=15)
    await session.flush()
    answer = await ask(client, buyer, order, line)
    assert (answer.status_code, answer.json()["code"]) == (409, "return-window-over")
    order.delivered_at = utc_now() - timedelta(days=14)
    await session.flush()
    assert (await ask(client, buyer, order, line)).status_code == 201


async def test_what_is_not_delivered_or_on_its_way_back_cannot_be_asked_for(
    client: httpx.AsyncClient, session: AsyncSession, buyer: Caller, order: Order, line: OrderLine
) -> None:
    assert (await ask(client, buyer, order, line, 2)).status_code == 201
    answer = await ask(client, buyer, order, line, 2)
    assert (answer.status_code, answer.json()["code"]) == (409, "return-exceeds-delivered")
    answer = await ask(client, buyer, order, line, lines=[{"line_id": 10**12, "quantity": 1}])
    assert answer.json()["code"] == "return-exceeds-delivered"
    order.status, order.delivered_at = "shipped", None
    await session.flush()
    answer = await ask(client, buyer, order, line, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "order-not-returnable")


async def test_steps_come_in_their_order_and_none_twice(
    client: httpx.AsyncClient, buyer: Caller, staff: Caller, order: Order, line: OrderLine
) -> None:
    wish = (await ask(client, buyer, order, line)).json()
    for action in ("receive", "refund"):
        answer = await act(client, staff, wish["id"], action)
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal-return-transition")
        assert answer.json()["allowed"] == ["approve", "reject"]
    await act(client, staff, wish["id"], "approve")
    assert (await act(client, staff, wish["id"], "approve")).status_code == 409
    too_many = [{"line_id": line.id, "quantity": 3}]
    answer = await act(client, staff, wish["id"], "receive", lines=too_many)
    assert (answer.status_code, answer.json()["code"]) == (409, "return-exceeds-delivered")
    assert (await act(client, staff, 10**12, "approve")).json()["code"] == "return-not-found"
    assert (await act(client, staff, wish["id"], "reject")).status_code == 422


def test_the_table_leads_from_the_wish_to_an_end() -> None:
    assert {status for status, after in TRANSITIONS.items() if not after} == {
        ReturnStatus.REFUNDED,
        ReturnStatus.REJECTED,
    }
    assert set(TRANSITIONS) == set(ReturnStatus)
    assert {action for after in TRANSITIONS.values() for action in after} == set(ReturnAction)


async def test_buyers_see_their_own_and_staff_see_all(
    client: httpx.AsyncClient,
    sign_up: SignUp,
    buyer: Caller,
    moderator: Caller,
    order: Order,
    line: OrderLine,
) -> None:
    wish = (await ask(client, buyer, order, line)).json()
    stranger = await sign_up()
    assert (await ask(client, stranger, order, line)).status_code == 404
    own = f"/api/v1/orders/{order.number}/returns"
    assert (await client.get(own, headers=stranger.headers)).status_code == 404
    assert (await client.get(own, headers=buyer.headers)).json()["items"] == [wish]
    query = {"status": "requested"}
    listed = (await client.get("/api/v1/returns", params=query, headers=moderator.headers)).json()
    assert listed["items"] == [wish]
    query = {"status": "approved"}
    assert (await client.get("/api/v1/returns", params=query, headers=moderator.headers)).json()["total"] == 0
    assert (await client.get("/api/v1/returns", headers=buyer.headers)).status_code == 403
    assert (await act(client, buyer, wish["id"], "approve")).status_code == 403
    assert (await act(client, moderator, wish["id"], "refund")).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"lines": []},
        {"lines": None},
        {"lines": [{"line_id": 1, "quantity": 0}]},
        {"reason": ""},
        {"reason": "x" * 501},
        {"condition": "new"},
    ],
)
async def test_a_bad_wish_is_refused(
    client: httpx.AsyncClient, buyer: Caller, order: Order, line: OrderLine, body: dict[str, Any]
) -> None:
    answer = await ask(client, buyer, order, line, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")
