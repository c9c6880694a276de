"""What the shop does is counted where it is done: only what was committed, and refusals by their code."""

from collections.abc import Mapping

import httpx
from prometheus_client import REGISTRY

from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_quote, an_order, check_out, fill_cart, once

LOGIN = "/api/v1/auth/login"


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"bookstore_{name}_total", labels) or 0.0


class Since:
    """What was counted since it was made."""

    def __init__(self, *series: tuple[str, Mapping[str, str]]) -> None:
        self._before = [(name, labels, counted(name, **labels)) for name, labels in series]

    def __call__(self) -> list[float]:
        return [counted(name, **labels) - before for name, labels, before in self._before]


async def test_orders_are_counted_by_status_and_channel_and_their_money_by_currency(
    client: httpx.AsyncClient, sign_up: SignUp, seller: Caller, moderator: Caller
) -> None:
    buyer = await sign_up()
    book = await a_book(client, seller, "Counted", price=10, quantity=5)
    since = Since(
        ("orders", {"status": "pending", "channel": "web"}),
        ("orders", {"status": "cancelled", "channel": "web"}),
        ("orders", {"status": "delivered", "channel": "till"}),
        ("revenue", {"currency": "EUR"}),
    )
    order = await an_order(client, buyer, (book, 1))
    assert since() == [1, 0, 0, 0]
    answer = await client.post(f"/api/v1/orders/{order['number']}/cancel", headers=once(buyer))
    assert answer.is_success, answer.text
    assert since() == [1, 1, 0, 0]
    sale = {"lines": [{"item_id": book["id"], "quantity": 2}], "payment": "cash"}
    sold = await client.post("/api/v1/till/sales", json=sale, headers=once(moderator))
    assert sold.status_code == 201, sold.text
    assert since()[1:] == [1, 1, sold.json()["total"]]


async def test_checkouts_that_are_refused_are_counted_by_reason_and_conflicts_of_stock_apart(
    client: httpx.AsyncClient, sign_up: SignUp, seller: Caller
) -> None:
    buyer, rival = await sign_up(), await sign_up()
    book = await a_book(client, seller, "The last one", price=10, quantity=1)
    checkout = {"handler": "/api/v1/checkout"}
    since = Since(
        ("refusals", {**checkout, "code": "price-changed"}),
        ("refusals", {**checkout, "code": "insufficient-stock"}),
        ("stock_conflicts", {}),
        ("orders", {"status": "pending", "channel": "web"}),
    )
    await fill_cart(client, buyer, (book, 1))
    quote = await a_quote(client, buyer)
    assert (await check_out(client, buyer, quote["total"] + 1)).status_code == 409
    await an_order(client, rival, (book, 1))
    assert since() == [1, 0, 0, 1]
    assert (await check_out(client, buyer, quote["total"])).json()["code"] == "insufficient-stock"
    assert since() == [1, 1, 1, 1]


async def test_log_ins_failures_and_lockouts_are_counted(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    await sign_up(username="counted")
    since = Since(("logins", {"outcome": "ok"}), ("logins", {"outcome": "failed"}), ("lockouts", {}))
    for _ in range(5):
        await client.post(LOGIN, data={"username": "counted", "password": "wrong"})
    assert since() == [0, 5, 1]
    await client.post(LOGIN, data={"username": "counted", "password": "wrong"})
    assert since() == [0, 5, 1]
