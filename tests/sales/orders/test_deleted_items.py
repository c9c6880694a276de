"""What is deleted leaves every order of it workable, and no piece of it in the ledger."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_quote, an_item, an_order, check_out, fill_cart, once
from tests.sales.overdue import expire_overdue

from .test_orders import end_time

ITEMS = "/api/v1/items"
BOOKS = "/api/v1/books"


@pytest.fixture
async def staff(sign_up: SignUp) -> Caller:
    """Somebody who sells, sends and decides."""
    return await sign_up(Role.ADMIN)


async def act(client: httpx.AsyncClient, staff: Caller, order: dict[str, Any], action: str) -> dict[str, Any]:
    path, body = f"/api/v1/orders/{order['number']}/{action}", {"provider": "fake", "card": "ok"}
    answer = await client.post(path, json=body if action == "payments" else {}, headers=once(staff))
    assert answer.is_success, answer.text
    return dict((await client.get(f"/api/v1/orders/{order['number']}", headers=staff.headers)).json())


@pytest.mark.parametrize("path", [ITEMS, BOOKS])
@pytest.mark.parametrize(
    ("actions", "status"),
    [
        (["cancel"], "cancelled"),
        (["payments", "cancel"], "cancelled"),
        (["payments", "ship", "deliver"], "delivered"),
    ],
)
async def test_an_order_goes_on_without_the_item_that_it_was_of(
    client: httpx.AsyncClient,
    session: AsyncSession,
    staff: Caller,
    path: str,
    actions: list[str],
    status: str,
) -> None:
    item = await (an_item if path == ITEMS else a_book)(client, staff, quantity=5)
    pen = await an_item(client, staff, "Other", quantity=5)
    order = await an_order(client, staff, (item, 2), (pen, 1))
    assert (await client.delete(f"{path}/{item['id']}", headers=staff.headers)).status_code == 204
    for action in actions:
        order = await act(client, staff, order, action)
    assert (order["status"], [line["title"] for line in order["lines"]]) == (status, [item["title"], "Other"])
    ledger = text("SELECT sum(delta), sum(reserved_delta) FROM stock_movements WHERE item_id = :id")
    assert tuple((await session.execute(ledger, {"id": item["id"]})).one()) == (0, 0)
    stock = (await client.get(f"/api/v1/inventory/{pen['id']}", headers=staff.headers)).json()
    assert (stock["on_hand"], stock["reserved"]) == (5 if status == "cancelled" else 4, 0)
    proof = (await client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)).json()
    assert proof["mismatches"] == 0


async def test_an_order_whose_time_is_over_ends_without_its_item(
    client: httpx.AsyncClient, session: AsyncSession, staff: Caller
) -> None:
    item = await an_item(client, staff, quantity=5)
    order = await an_order(client, staff, (item, 2))
    await client.delete(f"{ITEMS}/{item['id']}", headers=staff.headers)
    await end_time(session)
    assert await expire_overdue(session) == 1
    ended = (await client.get(f"/api/v1/orders/{order['number']}", headers=staff.headers)).json()
    assert ended["status"] == "cancelled"


async def test_what_was_on_hand_leaves_the_ledger_with_the_item(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    item = await an_item(client, seller, quantity=5)
    await client.delete(f"{ITEMS}/{item['id']}", headers=seller.headers)
    ledger = await session.execute(
        text("SELECT delta, balance_after, kind, actor_id FROM stock_movements ORDER BY id")
    )
    assert [tuple(row) for row in ledger] == [
        (5, 5, "initial", seller.id),
        (-5, 0, "adjustment", seller.id),
    ]


async def test_of_an_order_and_a_deletion_at_once_the_order_can_still_be_called_off(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller, buyer = await live_sign_up(), await live_sign_up()
    for _ in range(4):
        item = await an_item(live_client, seller, quantity=1)
        await fill_cart(live_client, buyer, (item, 1))
        total = (await a_quote(live_client, buyer))["total"]
        bought, deleted = await asyncio.gather(
            check_out(live_client, buyer, total),
            live_client.delete(f"{ITEMS}/{item['id']}", headers=seller.headers),
        )
        assert (deleted.status_code, bought.status_code) in {(204, 201), (204, 409)}, bought.text
        if bought.is_success:
            path = f"/api/v1/orders/{bought.json()['number']}/cancel"
            assert (await live_client.post(path, headers=once(buyer))).status_code == 200
