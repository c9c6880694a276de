"""How many of a bundle there are follows from its parts, and so does what a sale of it takes."""

from collections.abc import Mapping
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.goods.repository import Cause, StockLedger
from app.catalog.models import MovementKind
from tests.conftest import Caller, SignUp
from tests.factories import OFFERS, an_item, an_offer


async def quantities_of(client: httpx.AsyncClient, offer: Mapping[str, Any]) -> list[int]:
    """How many there are, as each answer that shows the bundle says."""
    one = (await client.get(f"{OFFERS}/{offer['id']}")).json()["quantity"]
    item = (await client.get(f"/api/v1/items/{offer['id']}")).json()["quantity"]
    lists = [
        (await client.get(path, params={"kind": "bundle"} if path != OFFERS else {})).json()["items"]
        for path in (OFFERS, "/api/v1/items")
    ]
    return [one, item, *(row["quantity"] for listed in lists for row in listed if row["id"] == offer["id"])]


async def test_there_are_as_many_as_each_part_suffices_for_in_every_answer(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    pen, ink = (
        await an_item(client, seller, "Pen", quantity=5),
        await an_item(client, seller, "Ink", quantity=7),
    )
    offer = await an_offer(client, seller, (pen, 1), (ink, 2))

    async def patch(path: str, body: object) -> None:
        answer = await client.patch(path, json=body, headers=moderator.headers)
        assert answer.status_code == 200, answer.text

    assert await quantities_of(client, offer) == [3] * 4
    await patch(f"/api/v1/items/{ink['id']}", {"quantity": 3})
    assert await quantities_of(client, offer) == [1] * 4
    await patch(f"/api/v1/inventory/{ink['id']}", {"sale_policy": "backorder", "oversell_limit": 90})
    assert await quantities_of(client, offer) == [5] * 4
    await patch(f"/api/v1/items/{pen['id']}", {"is_active": False})
    assert await quantities_of(client, offer) == [0] * 4
    await patch(f"/api/v1/items/{pen['id']}", {"is_active": True})
    await patch(f"/api/v1/inventory/{pen['id']}", {"sale_policy": "none"})
    assert await quantities_of(client, offer) == [0] * 4
    out = "2030-12-01T08:00:00Z"
    await patch(
        f"/api/v1/inventory/{pen['id']}", {"sale_policy": "preorder", "oversell_limit": 1, "on_sale_at": out}
    )
    told = (await client.get(f"{OFFERS}/{offer['id']}")).json()
    assert (told["sale_policy"], told["on_sale_at"], told["quantity"]) == ("preorder", out, 6)
    for in_stock, total in (("true", 1), ("false", 0)):
        for path in (OFFERS, "/api/v1/items"):
            query = {"in_stock": in_stock, **({} if path == OFFERS else {"kind": "bundle"})}
            assert (await client.get(path, params=query)).json()["total"] == total, (path, in_stock)


async def test_of_a_bundle_itself_there_is_nothing_to_move(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    pen, ink = (
        await an_item(client, seller, "Pen", quantity=2),
        await an_item(client, seller, "Ink", quantity=7),
    )
    offer = await an_offer(client, seller, (ink, 3), (pen, 1))
    cause = Cause(MovementKind.RESERVATION, None)
    moved = await StockLedger(session).reserve({pen["id"]: 2, ink["id"]: 6}, cause)
    assert all(one.movement_id for one in moved)
    assert (await client.get(f"{OFFERS}/{offer['id']}")).json()["quantity"] == 0
    assert await StockLedger(session).reserve({offer["id"]: 1}, cause) == []


async def test_what_a_bundle_shows_follows_its_parts_at_once_for_everybody(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    pen = await an_item(live_client, seller, quantity=8)
    offer = await an_offer(live_client, seller, (pen, 2))
    for quantity in (8, 3, 0, 6):
        sent = {"quantity": quantity}
        await live_client.patch(f"/api/v1/items/{pen['id']}", json=sent, headers=seller.headers)
        for _ in range(2):
            assert await quantities_of(live_client, offer) == [quantity // 2] * 4


async def test_a_bundle_weighs_what_its_items_do_as_far_as_that_is_known(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    pen, ink = await an_item(client, seller, weight_grams=25), await an_item(client, seller, "Ink")
    offer = await an_offer(client, seller, (pen, 1), (ink, 2))
    path = f"/api/v1/items/{offer['id']}"
    assert (await client.get(path)).json()["weight_grams"] is None
    for sent, status in ((110, 200), (0, 422), (1_000_001, 422), (1.5, 422), ("3", 422)):
        answer = await client.patch(
            f"/api/v1/items/{ink['id']}", json={"weight_grams": sent}, headers=seller.headers
        )
        assert answer.status_code == status, sent
    assert (await client.get(path)).json()["weight_grams"] == 245
    await client.patch(path, json={"weight_grams": 300}, headers=seller.headers)
    assert (await client.get(path)).json()["weight_grams"] == 300
