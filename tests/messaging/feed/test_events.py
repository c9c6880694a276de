"""`GET /events`: everything once, in order, and nothing that is somebody else's."""

from typing import Any

import httpx
import pytest

from app.identity.events import PasswordChanged
from app.identity.permissions import Role
from app.messaging.feed import queries
from tests.conftest import Caller, SignUp
from tests.factories import ITEMS, a_book, an_item
from tests.messaging.webhooks.conftest import done
from tests.worker.conftest import Change, Publish

from .conftest import Read

FEED = "/api/v1/events"
LOW = (
    "INSERT INTO outbox_events (type, payload, subject, done_at)"
    """ VALUES ('stock.low', '{"item_id": 1, "available": 1}', 'item:1', now()), ('test.unknown', '{}', 'x', now())"""
)


def types(feed: dict[str, Any]) -> list[str]:
    return [one["type"] for one in feed["items"]]


async def test_everybody_reads_public_events_and_their_own(
    live_sign_up: SignUp, tell: Publish, change: Change, read: Read, live_client: httpx.AsyncClient
) -> None:
    ada, bob = await live_sign_up(), await live_sign_up()
    staff = await live_sign_up(Role.ADMIN)
    await tell(done("A", ada.id))
    await tell(PasswordChanged(bob.id))
    await change(LOW)
    await a_book(live_client, ada, quantity=0)
    assert types(await read(ada)) == ["order.delivered", "item.created"]
    assert types(await read(bob)) == ["user.password_changed", "item.created"]
    assert types(await read(staff)) == ["item.created"]
    assert types(await read(staff, all_accounts="true")) == [
        "order.delivered",
        "user.password_changed",
        "stock.low",
        "item.created",
    ]
    refused = await live_client.get(FEED, params={"all_accounts": "true"}, headers=ada.headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")


async def test_it_is_read_in_parts_each_event_once(live_sign_up: SignUp, tell: Publish, read: Read) -> None:
    ada, bob = await live_sign_up(), await live_sign_up()
    for number in range(7):
        await tell(done(str(number), ada.id))
        await tell(done(str(number), bob.id))
    seen: list[str] = []
    after: int | None = None
    while True:
        part = await read(ada, limit=3, **({} if after is None else {"after": after}))
        seen += [one["subject"] for one in part["items"]]
        after = part["next_after"]
        if not part["has_more"]:
            break
    assert seen == [f"order:{number}" for number in range(7)]
    assert after == 14
    assert await read(ada, after=14) == {
        "items": [],
        "next_after": 14,
        "has_more": False,
        "oldest": 1,
        "last": 14,
    }
    await tell(done("late", ada.id))
    assert [one["id"] for one in (await read(ada, after=14))["items"]] == ["evt_15"]


async def test_a_request_goes_through_so_many_places_and_says_where_it_came_to(
    live_sign_up: SignUp, tell: Publish, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_LOOKED_AT", 4)
    ada, bob = await live_sign_up(), await live_sign_up()
    for number in range(6):
        await tell(done(str(number), bob.id))
    await tell(done("hers", ada.id))
    first = await read(ada)
    assert (first["items"], first["next_after"], first["has_more"]) == ([], 4, True)
    second = await read(ada, after=first["next_after"])
    assert ([one["subject"] for one in second["items"]], second["has_more"]) == (["order:hers"], False)


async def test_it_is_narrowed_by_event_and_subject(
    live_sign_up: SignUp, tell: Publish, read: Read, live_client: httpx.AsyncClient
) -> None:
    ada = await live_sign_up()
    await tell(done("A", ada.id))
    await tell(done("B", ada.id))
    await tell(PasswordChanged(ada.id))
    assert types(await read(ada, type="user.*")) == ["user.password_changed"]
    assert types(await read(ada, type="order.delivered")) == ["order.delivered"] * 2
    assert [one["id"] for one in (await read(ada, subject="order:B"))["items"]] == ["evt_2"]
    assert (await read(ada, subject="order:Ö"))["items"] == []
    for query in (
        {"type": "order.eaten"},
        {"after": "-1"},
        {"limit": "1001"},
        {"skip": "1"},
        {"subject": "\x00"},
    ):
        refused = await live_client.get(FEED, params=query, headers=ada.headers)
        assert refused.status_code == 422, query


async def test_what_is_no_longer_kept_is_said_to_be_gone(
    live_sign_up: SignUp, tell: Publish, change: Change, read: Read, live_client: httpx.AsyncClient
) -> None:
    ada: Caller = await live_sign_up()
    for number in range(3):
        await tell(done(str(number), ada.id))
    await read(ada)
    await change("DELETE FROM outbox_events WHERE sequence <= 2")
    gone = await live_client.get(FEED, params={"after": 1}, headers=ada.headers)
    assert (gone.status_code, gone.json()["code"], gone.json()["oldest"]) == (410, "events-expired", 3)
    assert [one["sequence"] for one in (await read(ada, after=2))["items"]] == [3]
    assert [one["sequence"] for one in (await read(ada))["items"]] == [3]
    await change("DELETE FROM outbox_events")
    assert (await read(ada))["next_after"] == 3
    assert (await read(ada, after=99))["next_after"] == 99


async def test_an_item_without_a_price_is_told_of_like_any_other(
    live_sign_up: SignUp, change: Change, read: Read, live_client: httpx.AsyncClient
) -> None:
    ada = await live_sign_up()
    pen = await an_item(live_client, ada, is_active=False)
    path = f"{ITEMS}/{pen['id']}"
    # As imports leave a book whose file names none.
    await change("UPDATE items SET price = NULL")
    for sent in ({"is_active": True}, {"price": 9}):
        assert (await live_client.patch(path, json=sent, headers=ada.headers)).status_code == 200
    await change("UPDATE items SET price = NULL")
    told = [(one["type"], one["data"]) for one in (await read(ada))["items"] if "price" in one["data"]]
    mine = {"item_id": pen["id"], "currency": "EUR"}
    assert told == [
        ("item.created", {**mine, "kind": "stationery", "title": "Pen", "price": None}),
        ("item.price_changed", {**mine, "price": 9, "old_price": None}),
        ("item.price_changed", {**mine, "price": None, "old_price": 9}),
    ]


async def test_an_event_that_this_release_cannot_tell_hides_no_other(
    live_sign_up: SignUp, change: Change, read: Read, live_client: httpx.AsyncClient
) -> None:
    ada = await live_sign_up()
    await change(
        "INSERT INTO outbox_events (type, payload, subject, done_at)"
        " VALUES ('stock.out', '{\"of\": 1}', 'item:1', now())"
    )
    await a_book(live_client, ada, quantity=0)
    assert types(await read(ada)) == ["item.created"]
