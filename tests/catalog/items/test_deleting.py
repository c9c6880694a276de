"""What is deleted leaves no order without its goods, and no piece of it in the ledger."""

import asyncio

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_quote, an_item, an_order, check_out, fill_cart, once

ITEMS = "/api/v1/items"
BOOKS = "/api/v1/books"


@pytest.mark.parametrize("path", [ITEMS, BOOKS])
async def test_what_is_promised_to_an_open_order_stays(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp, path: str
) -> None:
    buyer = await sign_up()
    item = await (an_item if path == ITEMS else a_book)(client, seller, quantity=5)
    order = await an_order(client, buyer, (item, 2))
    address = f"{path}/{item['id']}"
    refused = await client.delete(address, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "stock-reserved")
    assert (
        refused.json()["detail"] == "Open orders wait for some of it; take it off sale until they are sent."
    )
    assert (await client.get(address)).json()["quantity"] == 3
    cancelled = await client.post(f"/api/v1/orders/{order['number']}/cancel", headers=once(buyer))
    assert cancelled.status_code == 200, cancelled.text
    assert (await client.delete(address, headers=seller.headers)).status_code == 204


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


async def test_of_an_order_and_a_deletion_at_once_one_is_refused(
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
        assert (bought.is_success, deleted.status_code) in {(True, 409), (False, 204)}, (
            bought.text,
            deleted.text,
        )
