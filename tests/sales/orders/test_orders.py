"""What becomes of an order, who sees it, and who may do what with it."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.transaction import transaction
from app.identity.permissions import Role
from app.sales.order_states import TRANSITIONS, Action, FulfilmentStatus, OrderStatus, next_status
from app.sales.orders.queries import has_purchased
from app.sales.orders.repository import OrderRepository
from app.sales.orders.service import OrderService
from tests.conftest import Caller, SignUp, events_of
from tests.factories import an_item, an_order, once
from tests.sales.overdue import expire_overdue

ORDERS = "/api/v1/orders"


async def pay(session: AsyncSession, number: str) -> bool:
    """Note that the order is paid, as a payment does."""
    order = await OrderRepository(session).lock_number(number)
    assert order is not None
    paid = await OrderService.build(session).mark_paid(order)
    await session.flush()
    return paid


async def post(
    client: httpx.AsyncClient, caller: Caller, order: dict[str, Any], action: str, body: Any = None
) -> httpx.Response:
    return await client.post(f"{ORDERS}/{order['number']}/{action}", json=body, headers=once(caller))


async def read(client: httpx.AsyncClient, caller: Caller, order: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{ORDERS}/{order['number']}", headers=caller.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def stock_of(client: httpx.AsyncClient, staff: Caller, item: dict[str, Any]) -> tuple[int, int]:
    stock = (await client.get(f"/api/v1/inventory/{item['id']}", headers=staff.headers)).json()
    return stock["on_hand"], stock["reserved"]


ALLOWED = {
    ("pending", "unfulfilled"): {"pay": "processing", "cancel": "cancelled", "expire": "cancelled"},
    ("processing", "unfulfilled"): {
        "ship_part": "processing",
        "ship": "shipped",
        "cancel": "cancelled",
    },
    ("processing", "ready_for_pickup"): {"pick_up": "delivered", "cancel": "cancelled"},
    ("processing", "partially_shipped"): {"ship_part": "processing", "ship": "shipped"},
    ("shipped", "shipped"): {"deliver": "delivered"},
    ("delivered", "delivered"): {"return": "returned"},
    ("cancelled", "unfulfilled"): {"revive": "processing"},
    ("returned", "returned"): {},
}


@pytest.mark.parametrize("action", [*Action])
@pytest.mark.parametrize("state", [*ALLOWED])
def test_every_action_at_every_stage(state: tuple[str, str], action: Action) -> None:
    status, fulfilment = OrderStatus(state[0]), FulfilmentStatus(state[1])
    assert next_status(status, fulfilment, action) == ALLOWED[state].get(action)
    is_to_prepare = action is Action.READY and state == ("processing", "unfulfilled")
    collected = next_status(status, fulfilment, action, is_pickup=True)
    assert collected == ("processing" if is_to_prepare else ALLOWED[state].get(action))
    assert set(TRANSITIONS) == set(OrderStatus)


async def test_an_orders_whole_way(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    order = await an_order(client, buyer, (pen, 2))
    assert order["expires_at"] is not None
    assert await pay(session, order["number"])
    paid = await read(client, buyer, order)
    assert (paid["status"], paid["payment_status"], paid["expires_at"]) == ("processing", "paid", None)
    parcel = {"carrier": "DHL", "tracking": "JD01"}
    shipped = await post(client, moderator, order, "ship", parcel)
    assert shipped.status_code == 200, shipped.text
    assert (shipped.json()["status"], shipped.json()["fulfilment_status"]) == ("shipped", "shipped")
    assert shipped.json()["lines"][0]["shipped"] == 2
    assert await stock_of(client, moderator, pen) == (3, 0)
    assert not await has_purchased(await session.connection(), buyer.id, pen["id"])
    delivered = await post(client, moderator, order, "deliver")
    assert (delivered.json()["status"], delivered.json()["fulfilment_status"]) == ("delivered", "delivered")
    assert await has_purchased(await session.connection(), buyer.id, pen["id"])
    assert not await has_purchased(await session.connection(), seller.id, pen["id"])
    timeline = (await client.get(f"{ORDERS}/{order['number']}/timeline", headers=buyer.headers)).json()
    assert [event["kind"] for event in timeline["events"]] == ["placed", "paid", "shipped", "delivered"]
    assert timeline["events"][2]["data"]["tracking"] == "JD01"
    assert timeline["allowed"] == ["return"]
    for kind in ("order.created", "order.paid", "order.shipped", "order.delivered"):
        assert len(await events_of(session, kind)) == 1
    sound = await client.get("/api/v1/admin/inventory/reconcile", headers=moderator.headers)
    assert sound.json()["is_sound"] is True


async def test_what_may_not_be_done_is_refused_with_what_may(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    order = await an_order(client, buyer, (pen, 1))
    for action in ("ship", "deliver"):
        answer = await post(client, moderator, order, action, {} if action == "ship" else None)
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal-transition")
        assert answer.json()["allowed"] == ["cancel", "pay"]
    assert (await post(client, buyer, order, "cancel")).status_code == 200
    again = await post(client, buyer, order, "cancel")
    assert (again.status_code, again.json()["allowed"]) == (409, [])


async def test_a_parcel_may_hold_a_part(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer = await sign_up()
    pen, ink = await an_item(client, seller, quantity=5), await an_item(client, seller, "Ink", quantity=5)
    order = await an_order(client, buyer, (pen, 3), (ink, 1))
    await pay(session, order["number"])
    first, second = (line["id"] for line in order["lines"])
    part = await post(client, moderator, order, "ship", {"lines": [{"line_id": first, "quantity": 2}]})
    assert (part.json()["status"], part.json()["fulfilment_status"]) == ("processing", "partially_shipped")
    assert await stock_of(client, moderator, pen) == (3, 1)
    late = await post(client, buyer, order, "cancel")
    assert (late.status_code, late.json()["allowed"]) == (409, ["ship", "ship_part"])
    for lines in (
        [{"line_id": first, "quantity": 2}],
        [{"line_id": 2**40, "quantity": 1}],
        [{"line_id": second, "quantity": 1}, {"line_id": second, "quantity": 1}],
    ):
        answer = await post(client, moderator, order, "ship", {"lines": lines})
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-ship")
    rest = await post(client, moderator, order, "ship", {})
    assert (rest.json()["status"], rest.json()["fulfilment_status"]) == ("shipped", "shipped")
    assert [line["shipped"] for line in rest.json()["lines"]] == [3, 1]
    assert len(await events_of(session, "order.shipped")) == 2
    assert await stock_of(client, moderator, ink) == (4, 0)


async def test_what_was_taken_back_before_it_left_is_not_sent(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    admin, pen = await sign_up(Role.ADMIN), await an_item(client, seller, quantity=5)
    whole = await an_order(client, admin, (pen, 2))
    part = await an_order(client, admin, (pen, 3))
    for order in (whole, part):
        card = {"provider": "fake", "card": "ok"}
        await client.post(f"{ORDERS}/{order['number']}/payments", json=card, headers=once(admin))
    line = {"line_id": part["lines"][0]["id"]}
    await post(client, moderator, part, "ship", {"lines": [{**line, "quantity": 1}]})
    for order in (whole, part):
        lines = [{"line_id": order["lines"][0]["id"], "quantity": 2}]
        body = {"lines": lines, "reason": "Out of print", "restock": True}
        answer = await client.post(f"{ORDERS}/{order['number']}/refunds", json=body, headers=once(admin))
        assert answer.status_code == 201, answer.text
    assert await stock_of(client, moderator, pen) == (4, 0)
    # Of the one nothing is left to send, the other is on its way as far as it goes.
    answer = await post(client, moderator, whole, "ship", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing-to-ship")
    assert (await post(client, admin, whole, "cancel")).status_code == 200
    shown = await read(client, admin, part)
    assert (shown["status"], shown["fulfilment_status"]) == ("shipped", "shipped")
    assert (await post(client, moderator, part, "deliver")).json()["status"] == "delivered"
    [parcel] = await events_of(session, "order.shipped")
    assert parcel["number"] == part["number"]


async def test_a_cancelled_order_gives_its_stock_back(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    order = await an_order(client, buyer, (pen, 3))
    assert await stock_of(client, moderator, pen) == (5, 3)
    answer = await post(client, moderator, order, "cancel")
    assert (answer.json()["status"], answer.json()["cancelled_at"] is None) == ("cancelled", False)
    assert await stock_of(client, moderator, pen) == (5, 0)
    [event] = await events_of(session, "order.cancelled")
    assert event["reason"] == "cancelled"


async def end_time(session: AsyncSession) -> None:
    await session.execute(text("UPDATE orders SET expires_at = now() - interval '1 second'"))
    session.expire_all()


async def test_an_unpaid_order_ends_after_its_time(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp, session: AsyncSession
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=5)
    order, paid = await an_order(client, buyer, (pen, 2)), await an_order(client, buyer, (pen, 1))
    await pay(session, paid["number"])
    assert await expire_overdue(session) == 0
    # Whoever is told of it too early ends nothing.
    for order_id in (await session.scalars(text("SELECT id FROM orders"))).all():
        await OrderService.build(session).expire(order_id)
    assert (await read(client, buyer, order))["status"] == "pending"
    await end_time(session)
    await session.execute(text("UPDATE orders SET expires_at = NULL WHERE status <> 'pending'"))
    assert await expire_overdue(session) == 1
    await session.flush()
    assert (await read(client, buyer, order))["status"] == "cancelled"
    assert (await read(client, buyer, paid))["status"] == "processing"
    assert await stock_of(client, moderator, pen) == (5, 1)
    [event] = await events_of(session, "order.cancelled")
    assert event["reason"] == "expired"


@pytest.mark.parametrize("left", [2, 1])
async def test_money_that_comes_late_revives_the_order_if_there_is_stock(
    client: httpx.AsyncClient,
    seller: Caller,
    moderator: Caller,
    sign_up: SignUp,
    session: AsyncSession,
    left: int,
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=2)
    order = await an_order(client, buyer, (pen, 2))
    await end_time(session)
    await expire_overdue(session)
    await session.flush()
    await client.patch(f"/api/v1/items/{pen['id']}", json={"quantity": left}, headers=seller.headers)
    stands = left == 2
    assert await pay(session, order["number"]) is stands
    shown = await read(client, buyer, order)
    assert shown["status"] == ("processing" if stands else "cancelled")
    assert await stock_of(client, moderator, pen) == ((2, 2) if stands else (1, 0))
    # What comes a second time goes back.
    assert await pay(session, order["number"]) is False


async def test_everybody_sees_their_own_orders_and_staff_all(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    buyer, other = await sign_up(), await sign_up()
    pen = await an_item(client, seller, quantity=9)
    first, second = await an_order(client, buyer, (pen, 1)), await an_order(client, buyer, (pen, 2))
    theirs = await an_order(client, other, (pen, 1))
    for path in (ORDERS, "/api/v1/users/me/orders"):
        listed = (await client.get(path, headers=buyer.headers)).json()
        assert [order["number"] for order in listed["items"]] == [second["number"], first["number"]]
        assert (await client.get(f"{path}/{first['number']}", headers=buyer.headers)).json() == first
        hidden = await client.get(f"{path}/{theirs['number']}", headers=buyer.headers)
        assert (hidden.status_code, hidden.json()["code"]) == (404, "order-not-found")
    for action in ("cancel", "reorder"):
        answer = await post(client, buyer, theirs, action)
        assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")
    assert (await read(client, moderator, theirs))["number"] == theirs["number"]
    mine = await client.get(f"/api/v1/users/me/orders/{theirs['number']}", headers=moderator.headers)
    assert mine.status_code == 404
    everybodys = (await client.get("/api/v1/admin/orders", headers=moderator.headers)).json()
    assert everybodys["total"] == 3
    one = {"user_id": other.id, "status": "pending", "item_id": pen["id"]}
    found = await client.get("/api/v1/admin/orders", params=one, headers=moderator.headers)
    assert [order["number"] for order in found.json()["items"]] == [theirs["number"]]
    assert (await client.get("/api/v1/admin/orders", headers=buyer.headers)).status_code == 403
    assert (await post(client, buyer, first, "ship", {})).status_code == 403


async def test_orders_are_filtered_sorted_and_paged(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=9)
    ink = await an_item(client, seller, quantity=9)
    orders = [await an_order(client, buyer, (pen, quantity)) for quantity in (2, 1, 3)]
    await post(client, buyer, orders[0], "cancel")
    await an_order(client, buyer, (ink, 1))

    async def numbers(**params: Any) -> list[str]:
        answer = await client.get(ORDERS, params=params, headers=buyer.headers)
        assert answer.status_code == 200, answer.text
        return [order["number"] for order in answer.json()["items"]]

    assert await numbers(status="cancelled") == [orders[0]["number"]]
    assert await numbers(item_id=pen["id"], sort="total") == [orders[place]["number"] for place in (1, 0, 2)]
    assert await numbers(created_before="2020-01-01") == []
    assert len(await numbers(created_from="2020-01-01", payment_status="unpaid")) == 4
    page = (await client.get(ORDERS, params={"limit": 3}, headers=buyer.headers)).json()
    assert page["has_next"] is True
    assert len(await numbers(cursor=page["next_cursor"])) == 1
    stranger = await sign_up()
    stolen = await client.get(ORDERS, params={"cursor": page["next_cursor"]}, headers=stranger.headers)
    assert (stolen.status_code, stolen.json()["code"]) == (422, "invalid-cursor")
    for params in ({"status": "lost"}, {"colour": "red"}, {"sort": "number"}):
        assert (await client.get(ORDERS, params=params, headers=buyer.headers)).status_code == 422


@pytest.mark.parametrize("number", ["1", "ORD-1", "ord-00000001", "ORD-٠٠٠٠٠٠٠١", "ORD-123456789"])
async def test_what_is_no_number_is_refused(client: httpx.AsyncClient, sign_up: SignUp, number: str) -> None:
    answer = await client.get(f"{ORDERS}/{number}", headers=(await sign_up()).headers)
    assert answer.status_code == 422


async def test_notes_are_for_staff_unless_they_are_public(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=9)
    order = await an_order(client, buyer, (pen, 1))
    assert (await post(client, moderator, order, "notes", {"note": "Rang twice."})).status_code == 201
    public = {"note": "Leaves on Monday.", "is_public": True}
    assert (await post(client, moderator, order, "notes", public)).status_code == 201
    path = f"{ORDERS}/{order['number']}/timeline"

    async def notes(caller: Caller) -> list[str | None]:
        events = (await client.get(path, headers=caller.headers)).json()["events"]
        return [event["note"] for event in events if event["kind"] == "note"]

    assert await notes(buyer) == ["Leaves on Monday."]
    assert await notes(moderator) == ["Rang twice.", "Leaves on Monday."]
    assert (await post(client, buyer, order, "notes", public)).status_code == 403


async def test_ordering_again_fills_the_cart_and_tells_what_is_gone(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    buyer, pen = await sign_up(), await an_item(client, seller, quantity=9)
    gone = await an_item(client, seller, quantity=9)
    order = await an_order(client, buyer, (pen, 2), (gone, 1))
    await client.delete(f"/api/v1/items/{gone['id']}", headers=seller.headers)
    answer = await post(client, buyer, order, "reorder")
    assert answer.status_code == 200, answer.text
    cart = answer.json()
    assert [(line["item_id"], line["quantity"]) for line in cart["lines"]] == [(pen["id"], 2)]
    assert [(one["code"], one["item_id"]) for one in cart["warnings"]] == [("not-for-sale", gone["id"])]


async def test_cancelling_and_expiring_at_once_gives_back_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, live_app: Any
) -> None:
    seller, staff = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    buyer = await live_sign_up()
    pen = await an_item(live_client, seller, quantity=5)
    order = await an_order(live_client, buyer, (pen, 3))

    async def expire() -> int:
        async with transaction(live_app.state.database, live_app.state.cache) as session:
            before = await OrderRepository(session).lock_number(order["number"])
            was_pending = before is not None and before.status == OrderStatus.PENDING
            await expire_overdue(session)
            return int(was_pending)

    async with transaction(live_app.state.database, live_app.state.cache) as session:
        await end_time(session)

    async def cancel() -> int:
        return int((await post(live_client, buyer, order, "cancel")).status_code == 200)

    assert sum(await asyncio.gather(*(cancel() for _ in range(4)), *(expire() for _ in range(4)))) == 1
    assert await stock_of(live_client, staff, pen) == (5, 0)
    sound = await live_client.get("/api/v1/admin/inventory/reconcile", headers=staff.headers)
    assert sound.json()["is_sound"] is True
