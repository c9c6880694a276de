"""Who is mailed that an item is back, or costs less, finds it in the shop too."""

from typing import Any

import httpx

from tests.conftest import Caller
from tests.messaging.alerts.conftest import (
    DROP,
    ITEMS,
    Cost,
    Item,
    Restock,
    Subscribe,
    Waiting,
    Work,
    cost,
    keeper,
    pen,
    restock,
    stock,
    subscribe,
    waiting,
    work,
)
from tests.messaging.notifications.test_notifications import shown
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import PostOffice

__all__ = ["cost", "keeper", "pen", "restock", "stock", "subscribe", "waiting", "work"]


async def told(client: httpx.AsyncClient, owner: Caller) -> list[tuple[Any, ...]]:
    page = await shown(client, owner)
    return [
        (one["kind"], one["category"], one["title"], one["text"], one["subject"]) for one in page["items"]
    ]


def of_pen(pen: Item) -> tuple[Any, ...]:
    text = "It can be bought again, as long as there are copies."
    return "back_in_stock", "stock", "Back in stock: Pen", text, f"item:{pen['id']}"


async def test_an_item_that_is_back_is_told_once_to_those_who_are_mailed(
    live_client: httpx.AsyncClient, waiting: Waiting, restock: Restock, pen: Item, change: Change
) -> None:
    ada, bob = await waiting("ada"), await waiting("bob")
    await restock(1)
    back = of_pen(pen)
    assert await told(live_client, ada) == [back]
    # There is one copy.
    assert await told(live_client, bob) == []
    await change("UPDATE outbox_events SET done_at = NULL WHERE type = 'alert.told'")
    await restock(-1)
    assert await told(live_client, ada) == [back]


async def test_a_lower_price_is_told_in_the_readers_language(
    live_client: httpx.AsyncClient, waiting: Waiting, work: Work, cost: Cost, change: Change, pen: Item
) -> None:
    ada = await waiting("ada")
    await change("UPDATE users SET language = 'de'")
    asked = await live_client.put(f"{ITEMS}/{pen['id']}/alerts/{DROP}", json={}, headers=ada.headers)
    assert asked.status_code == 200, asked.text
    await cost(7.5)
    await work()
    subject = f"item:{pen['id']}"
    assert await told(live_client, ada) == [
        ("price_drop", "stock", "Kostet jetzt weniger: Pen", "7.50 EUR", subject)
    ]


async def test_who_does_not_want_it_in_the_shop_is_mailed_alone(
    live_client: httpx.AsyncClient,
    waiting: Waiting,
    restock: Restock,
    change: Change,
    post_office: PostOffice,
) -> None:
    ada = await waiting("ada")
    await change(f"INSERT INTO notification_choices VALUES ({ada.id}, 'stock', 'in_app', false)")  # noqa: S608 (a number)
    await restock(1)
    assert len(post_office.messages) == 1
    assert await told(live_client, ada) == []


async def test_who_wants_no_mail_of_it_is_told_in_the_shop_alone(
    live_client: httpx.AsyncClient,
    waiting: Waiting,
    restock: Restock,
    pen: Item,
    change: Change,
    post_office: PostOffice,
) -> None:
    ada, bob = await waiting("ada"), await waiting("bob")
    await change(f"INSERT INTO notification_choices VALUES ({ada.id}, 'stock', 'mail', false)")  # noqa: S608 (a number)
    await restock(1)
    assert post_office.messages == []
    assert await told(live_client, ada) == [of_pen(pen)]
    assert await told(live_client, bob) == []


async def test_what_the_mail_server_refuses_is_told_in_the_shop_all_the_same(
    live_client: httpx.AsyncClient, waiting: Waiting, restock: Restock, pen: Item, post_office: PostOffice
) -> None:
    ada = await waiting("ada")
    post_office.refused = "550 5.7.1 not from you"
    await restock(1)
    assert await told(live_client, ada) == [of_pen(pen)]


async def test_an_address_without_an_account_has_no_list(
    subscribe: Subscribe, restock: Restock, post_office: PostOffice, ask: Ask
) -> None:
    await subscribe("reader@example.com")
    await restock(1)
    assert len(post_office.messages) == 1
    assert await ask("SELECT count(*) FROM notifications") == 0
