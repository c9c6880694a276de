"""An item, whoever waits for it, and a worker that tells them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp
from tests.factories import an_item, once
from tests.worker.conftest import Ask, Change, RunningWorker, until
from tests.worker.post_office import PostOffice, token_of

ITEMS = "/api/v1/items"
ALERTS = "/api/v1/alerts"
MINE = "/api/v1/users/me/alerts"
BACK, DROP = "back-in-stock", "price-drop"
Item = Mapping[str, Any]
Work = Callable[[], Awaitable[None]]
Stock = Callable[[Item, int], Awaitable[None]]
Cost = Callable[[float], Awaitable[None]]
Restock = Callable[[int], Awaitable[None]]
Subscribe = Callable[..., Awaitable[None]]
Waiting = Callable[[str], Awaitable[Caller]]


@pytest.fixture
def work(running_worker: RunningWorker, ask: Ask) -> Work:
    """A worker works until every event has its place in the feed and nothing is left to do."""

    async def is_settled() -> bool:
        return not await ask(
            "SELECT count(*) FROM outbox_events WHERE done_at IS NULL"
            " OR (subject IS NOT NULL AND sequence IS NULL)"
        )

    async def run() -> None:
        async with running_worker():
            await until(is_settled)

    return run


@pytest.fixture
async def keeper(live_sign_up: SignUp) -> Caller:
    """Who keeps the stock, and owns the item."""
    return await live_sign_up(Role.MODERATOR)


@pytest.fixture
async def pen(live_client: httpx.AsyncClient, keeper: Caller) -> Item:
    """A pen at 10, sold out."""
    return await an_item(live_client, keeper)


@pytest.fixture
def stock(live_client: httpx.AsyncClient, keeper: Caller) -> Stock:
    """So many more or fewer of an item are on hand."""

    async def change(item: Item, by: int) -> None:
        body = {"delta": by, "reason": "Counted"}
        path = f"/api/v1/inventory/{item['id']}/adjust"
        answer = await live_client.post(path, json=body, headers=once(keeper))
        assert answer.status_code == 201, answer.text

    return change


@pytest.fixture
def cost(live_client: httpx.AsyncClient, keeper: Caller, pen: Item) -> Cost:
    """The pen costs so much from now on."""

    async def change(price: float) -> None:
        answer = await live_client.patch(
            f"{ITEMS}/{pen['id']}", json={"price": price}, headers=keeper.headers
        )
        assert answer.status_code == 200, answer.text

    return change


@pytest.fixture
def restock(stock: Stock, work: Work, pen: Item) -> Restock:
    """So many more or fewer pens are on hand, and the worker has told who waits."""

    async def run(by: int) -> None:
        await stock(pen, by)
        await work()

    return run


@pytest.fixture
def waiting(live_sign_up: SignUp, live_client: httpx.AsyncClient, change: Change, pen: Item) -> Waiting:
    """An account with a proven address that waits for the pen to be back."""

    async def run(username: str) -> Caller:
        caller = await live_sign_up(username=username)
        await change("UPDATE users SET is_verified = true")
        answer = await live_client.put(f"{ITEMS}/{pen['id']}/alerts/{BACK}", headers=caller.headers)
        assert answer.status_code == 200, answer.text
        return caller

    return run


@pytest.fixture
def subscribe(live_client: httpx.AsyncClient, work: Work, post_office: PostOffice, pen: Item) -> Subscribe:
    """An address without an account asks for an alert about the pen, and confirms it."""

    async def run(email: str, kind: str = BACK, **fields: object) -> None:
        body = {"kind": kind, "email": email, **fields}
        asked = await live_client.post(f"{ITEMS}/{pen['id']}/alerts", json=body)
        assert asked.status_code == 202, asked.text
        await work()
        token = token_of(post_office.to(email)[-1], "/alerts/confirm")
        confirmed = await live_client.post(f"{ALERTS}/confirm", json={"token": token})
        assert confirmed.json() == {"item_id": pen["id"], "kind": kind, "state": "active"}
        post_office.messages.clear()

    return run
