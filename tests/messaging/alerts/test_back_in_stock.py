"""One mail when an item is back, the longest waiting first, and no more mails than copies."""

import asyncio

import httpx
import pytest

from app.core.events.feed import EventsSequenced
from app.messaging.alerts.events import AlertsDue
from tests.conftest import Caller
from tests.factories import an_item
from tests.messaging.alerts.conftest import (
    ALERTS,
    BACK,
    ITEMS,
    MINE,
    Item,
    Restock,
    Stock,
    Subscribe,
    Waiting,
    Work,
)
from tests.worker.conftest import Ask, Change, Publish
from tests.worker.post_office import PostOffice, text_of, token_of


def recipients(office: PostOffice) -> list[str]:
    return sorted(mail["To"].partition("@")[0] for mail in office.messages)


async def test_who_waits_longest_hears_first_and_no_more_than_there_are(
    waiting: Waiting, pen: Item, stock: Stock, post_office: PostOffice, restock: Restock
) -> None:
    for name in ("ada", "bob", "cyd", "dan"):
        await waiting(name)
    await restock(2)
    assert recipients(post_office) == ["ada", "bob"]
    # Of the copies that are there two people know.
    await stock(pen, -1)
    await restock(1)
    assert recipients(post_office) == ["ada", "bob"]
    await restock(1)
    assert recipients(post_office) == ["ada", "bob", "cyd"]
    await restock(-3)
    await restock(9)
    assert recipients(post_office) == ["ada", "bob", "cyd", "dan"]


async def test_the_mail_says_what_is_back_and_how_to_end(
    live_client: httpx.AsyncClient, waiting: Waiting, restock: Restock, post_office: PostOffice
) -> None:
    ada = await waiting("ada")
    await restock(1)
    [mail] = post_office.messages
    assert mail["Subject"] == "Back in stock"
    assert "“Pen” can be bought again" in text_of(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    token = token_of(mail, "/alerts/end")
    assert mail["List-Unsubscribe"] == f"<https://shop.example.com/api/v1/alerts/end?token={token}>"
    [alert] = (await live_client.get(MINE, headers=ada.headers)).json()["items"]
    assert (alert["state"], alert["title"], alert["kind"]) == ("done", "Pen", BACK)
    assert (await live_client.get(f"{ALERTS}/end", params={"token": token})).status_code == 200
    for _ in range(2):
        ended = await live_client.post(f"{ALERTS}/end", params={"token": token})
        assert ended.status_code == 204
    assert (await live_client.get(MINE, headers=ada.headers)).json()["items"] == []


async def test_who_was_told_waits_again_by_asking_again(
    live_client: httpx.AsyncClient, waiting: Waiting, pen: Item, restock: Restock, post_office: PostOffice
) -> None:
    ada = await waiting("ada")
    await restock(1)
    await restock(-1)
    await restock(1)
    assert len(post_office.messages) == 1
    again = await live_client.put(f"{ITEMS}/{pen['id']}/alerts/{BACK}", headers=ada.headers)
    assert (again.json()["state"], again.json()["done_at"]) == ("active", None)
    await restock(-1)
    await restock(1)
    assert len(post_office.messages) == 2


async def test_an_address_hears_once_even_if_it_waits_twice(
    waiting: Waiting, subscribe: Subscribe, post_office: PostOffice, restock: Restock
) -> None:
    await subscribe("Ada@example.com")
    await waiting("ada")
    await waiting("bob")
    await restock(2)
    assert recipients(post_office) == ["Ada", "bob"]


async def test_a_stranger_hears_in_the_language_of_the_browser(
    live_client: httpx.AsyncClient, pen: Item, work: Work, post_office: PostOffice, restock: Restock
) -> None:
    body = {"kind": BACK, "email": "björk@exämple.com"}
    path = f"{ITEMS}/{pen['id']}/alerts"
    await live_client.post(path, json=body, headers={"Accept-Language": "de"})
    await work()
    [asked] = post_office.messages
    assert asked["Subject"] == "Bitte bestätigen Sie, dass wir Ihnen Bescheid sagen sollen"
    assert "„Pen“ wieder da ist" in text_of(asked)
    assert asked["List-Unsubscribe"] is None
    await restock(1)
    assert len(post_office.messages) == 1
    await live_client.post(f"{ALERTS}/confirm", json={"token": token_of(asked, "/alerts/confirm")})
    await restock(1)
    assert post_office.messages[-1]["Subject"] == "Wieder lieferbar"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET is_verified = false WHERE username = 'ada'",
        "UPDATE users SET is_active = false WHERE username = 'ada'",
        """UPDATE users SET notifications = '{none}' WHERE username = 'ada';
        INSERT INTO notification_choices SELECT id, 'stock', 'in_app', false FROM users WHERE username = 'ada'""",
        "INSERT INTO mail_suppressions (email, email_key, reason) VALUES ('a', 'ada@example.com', 'complaint')",
        "DELETE FROM auth_sessions; DELETE FROM users WHERE username = 'ada'",
    ],
)
async def test_who_cannot_or_must_not_be_told_takes_nobodys_place(
    statement: str, waiting: Waiting, post_office: PostOffice, change: Change, restock: Restock
) -> None:
    await waiting("ada")
    await waiting("bob")
    for one in statement.split(";"):
        await change(one)
    await restock(1)
    assert recipients(post_office) == ["bob"]


async def test_what_is_off_sale_is_not_told(
    waiting: Waiting, pen: Item, stock: Stock, work: Work, post_office: PostOffice, change: Change
) -> None:
    await waiting("ada")
    await stock(pen, 1)
    await change("UPDATE items SET is_active = false")
    await work()
    assert post_office.messages == []


async def test_told_again_for_the_same_events_nobody_hears_twice(
    waiting: Waiting, work: Work, tell: Publish, ask: Ask, post_office: PostOffice, restock: Restock
) -> None:
    for name in ("ada", "bob", "cyd"):
        await waiting(name)
    await restock(2)
    last = await ask("SELECT last FROM feed_head")
    await asyncio.gather(*(tell(AlertsDue(1, last)) for _ in range(5)), tell(EventsSequenced(1, last)))
    await work()
    assert recipients(post_office) == ["ada", "bob"]


async def test_many_restocks_told_at_once_reach_no_more_than_there_are_copies(
    waiting: Waiting, pen: Item, stock: Stock, post_office: PostOffice, ask: Ask, restock: Restock
) -> None:
    for number in range(8):
        await waiting(f"user{number}")
    for _ in range(5):
        await stock(pen, 1)
    await restock(-2)
    assert recipients(post_office) == ["user0", "user1", "user2"]
    assert await ask("SELECT count(*) FROM item_alerts WHERE state = 'done'") == 3


async def test_of_each_item_its_own_restock_counts(
    live_client: httpx.AsyncClient,
    keeper: Caller,
    waiting: Waiting,
    stock: Stock,
    pen: Item,
    restock: Restock,
) -> None:
    ink = await an_item(live_client, keeper, "Ink")
    callers = [await waiting(name) for name in ("ada", "bob", "cyd")]
    await restock(2)
    for caller in callers:
        await live_client.put(f"{ITEMS}/{ink['id']}/alerts/{BACK}", headers=caller.headers)
    # The ink comes back together with a pen that somebody had reserved: of the pens that are there two people know.
    await stock(ink, 1)
    await stock(pen, -1)
    await restock(1)
    states = [
        [
            (one["title"], one["state"])
            for one in (await live_client.get(MINE, headers=each.headers)).json()["items"]
        ]
        for each in callers
    ]
    assert states == [
        [("Ink", "done"), ("Pen", "done")],
        [("Ink", "active"), ("Pen", "done")],
        [("Ink", "active"), ("Pen", "active")],
    ]


async def test_ending_an_alert_drops_its_mail_that_waits(
    live_client: httpx.AsyncClient, waiting: Waiting, pen: Item, post_office: PostOffice, restock: Restock
) -> None:
    ada = await waiting("ada")
    path = f"{ITEMS}/{pen['id']}/alerts/{BACK}"
    assert (await live_client.delete(path, headers=ada.headers)).status_code == 204
    gone = await live_client.delete(path, headers=ada.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "alert-not-found")
    await restock(1)
    assert post_office.messages == []
