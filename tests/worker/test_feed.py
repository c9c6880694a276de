"""The feed: what others may hear of has a place in one order without gaps, however it was written."""

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.events.events import Event, publish
from app.core.events.feed import FeedEvent, feed_bounds, live_channel, read_feed, sequence_events
from app.core.events.jobs import purge_outbox
from app.messaging.public_events import LIVE_EVENTS, PUBLIC_EVENTS, envelope
from tests.conftest import SignUp
from tests.factories import BOOKS, a_book

from .conftest import Ask, Change, Publish, RunningWorker, until


@dataclass(frozen=True, slots=True)
class OrderSeen(Event):
    type: ClassVar[str] = "order.paid"
    number: str
    user_id: int | None = None

    @property
    def subject(self) -> str:
        return f"order:{self.number}"

    @property
    def concerns(self) -> int | None:
        return self.user_id


@dataclass(frozen=True, slots=True)
class Internal(Event):
    type: ClassVar[str] = "test.internal"


async def feed(app: FastAPI, after: int = 0, limit: int = 1000) -> list[FeedEvent]:
    async with app.state.database.reading() as connection:
        return list(await read_feed(connection, after, limit))


async def sequence(app: FastAPI) -> tuple[int, int] | None:
    async with app.state.database.sessions.begin() as session:
        given = await sequence_events(session)
        return None if given is None else (given.first, given.last)


async def test_events_get_their_places_and_what_is_internal_gets_none(
    live_app: FastAPI, tell: Publish
) -> None:
    await tell(OrderSeen("A", 7))
    await tell(Internal())
    await tell(OrderSeen("B"))
    assert await sequence(live_app) == (1, 2)
    assert await sequence(live_app) is None
    assert [(one.sequence, one.subject, one.user_id) for one in await feed(live_app)] == [
        (1, "order:A", 7),
        (2, "order:B", None),
    ]
    async with live_app.state.database.reading() as connection:
        assert await feed_bounds(connection) == (1, 2)


async def test_an_event_that_commits_late_comes_after_those_that_were_read_before_it(
    live_app: FastAPI, tell: Publish
) -> None:
    async with live_app.state.database.sessions() as slow:
        await publish(slow, OrderSeen("slow"))
        await tell(OrderSeen("fast"))
        assert await sequence(live_app) == (1, 1)
        await slow.commit()
    assert await sequence(live_app) == (2, 2)
    assert [one.subject for one in await feed(live_app, after=1)] == ["order:slow"]


async def test_what_is_rolled_back_leaves_no_gap(live_app: FastAPI, tell: Publish) -> None:
    async with live_app.state.database.sessions() as session:
        await publish(session, OrderSeen("never"))
        await session.rollback()
    async with live_app.state.database.sessions() as session:
        await tell(OrderSeen("A"))
        assert await sequence_events(session) is not None
        await session.rollback()
    assert await sequence(live_app) == (1, 1)


async def test_many_who_give_places_at_once_give_each_once(live_app: FastAPI, tell: Publish) -> None:
    for number in range(30):
        await tell(OrderSeen(str(number)))
        await asyncio.gather(*(sequence(live_app) for _ in range(3)))
    await sequence(live_app)
    events = await feed(live_app)
    assert [one.sequence for one in events] == list(range(1, 31))
    assert [one.subject for one in events] == [f"order:{number}" for number in range(30)]


async def test_the_worker_tells_redis_of_the_places_it_gave(
    live_app: FastAPI, tell: Publish, running_worker: RunningWorker, ask: Ask
) -> None:
    heard: list[bytes] = []
    async with live_app.state.redis.pubsub() as pubsub:
        await pubsub.subscribe(await live_channel(live_app.state.database))
        async with running_worker():
            await tell(OrderSeen("A"))

            async def is_heard() -> bool:
                message: dict[str, Any] | None = await pubsub.get_message(timeout=0.1)
                if message is not None and message["type"] == "message":
                    heard.append(message["data"])
                return bool(heard)

            await until(is_heard)
    assert heard == [b"1 1"]
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'feed.events_sequenced'") == 1


async def test_what_becomes_of_an_item_is_announced(
    live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    book = await a_book(live_client, seller, price=10, quantity=2)
    path = f"{BOOKS}/{book['id']}"
    for change in ({"price": 8}, {"quantity": 0}, {"title": "Another"}, {"is_active": False}, {"price": 7}):
        answer = await live_client.patch(path, json=change, headers=seller.headers)
        assert answer.status_code == 200, answer.text
    await live_client.patch(path, json={"is_active": True}, headers=seller.headers)
    assert (await live_client.delete(path, headers=seller.headers)).status_code == 204
    await sequence(live_app)
    events = [one for one in await feed(live_app) if one.subject == f"item:{book['id']}"]
    assert [one.type for one in events] == [
        "item.created",
        "item.updated",
        "item.price_changed",
        "stock.changed",
        "stock.out",
        "item.updated",
        "item.updated",
        "item.deleted",
        "item.created",
        "item.deleted",
    ]
    changed = envelope(events[2])
    assert changed is not None
    assert changed.model_dump(include={"data"}) == {
        "data": {"item_id": book["id"], "price": 8.0, "old_price": 10.0, "currency": "EUR"}
    }


async def test_every_event_with_a_subject_is_in_the_catalogue_and_fits_it() -> None:
    def leaves(kind: type[Event]) -> list[type[Event]]:
        return [kind, *(leaf for each in kind.__subclasses__() for leaf in leaves(each))]

    told = {
        each.type
        for each in leaves(Event)
        if each.__module__.startswith("app.") and hasattr(each, "type") and each.subject is not Event.subject
    }
    assert told <= PUBLIC_EVENTS.keys() | LIVE_EVENTS.keys()
    assert not PUBLIC_EVENTS.keys() & LIVE_EVENTS.keys()


async def test_the_feed_is_kept_for_thirty_days(live_app: FastAPI, tell: Publish, change: Change) -> None:
    for number in range(3):
        await tell(OrderSeen(str(number)))
    await tell(Internal())
    await sequence(live_app)
    await change("UPDATE outbox_events SET done_at = now() - interval '8 days'")
    await change("UPDATE outbox_events SET created_at = now() - interval '31 days' WHERE sequence = 1")
    async with live_app.state.database.sessions.begin() as session:
        assert await purge_outbox(session) == 3
    assert [one.sequence for one in await feed(live_app)] == [2, 3]
    await change("DELETE FROM outbox_events")
    await tell(OrderSeen("next"))
    assert await sequence(live_app) == (4, 4)


@pytest.mark.parametrize("after", [0, 5])
async def test_of_an_empty_feed_nothing_is_kept(live_app: FastAPI, after: int) -> None:
    assert await feed(live_app, after) == []
    async with live_app.state.database.reading() as connection:
        bounds = await feed_bounds(connection)
        assert bounds.oldest > bounds.last
        assert await connection.scalar(text("SELECT count(*) FROM feed_head")) == 1
