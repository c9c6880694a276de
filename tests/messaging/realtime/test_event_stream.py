"""Server-sent events: who may hear what, from which place on, and how a stream ends."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from app.core.events.events import publish
from app.core.events.feed import sequence_events
from app.core.http.leaving import LEAVING
from app.core.leases import LASTS
from app.identity.permissions import Role
from app.messaging.realtime import tickets
from app.sales.orders.events import OrderCreated
from devstack import Servers
from tests.conftest import SignUp, change_account, settings_for
from tests.factories import an_item

from .conftest import STREAM, Live, joining, live_server, order_number, paid

TICKETS = "/api/v1/auth/stream-tickets"
LOGIN = {"Origin": "https://localhost:8000"}


async def test_an_account_hears_of_its_own_affairs_and_of_nobody_elses(live: Live, join: SignUp) -> None:
    ada, bob = await join(), await join()
    async with live.stream(ada) as reader:
        hello = await reader.next()
        assert hello.name == "connected"
        assert hello.data["channels"] == [f"user:{ada.id}"]
        await live.announce(paid(1, bob.id), paid(2, ada.id), paid(3))
        told = await reader.next()
        assert (told.name, told.id) == ("message", "2")
        assert told.data["type"] == "order.paid"
        assert told.data["data"] == {"number": order_number(2)}
        assert told.data["id"] == "evt_2"
        await live.announce(paid(4, ada.id))
        assert (await reader.next()).id == "4"
    response = reader.response
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "private, no-store"
    assert response.headers["x-accel-buffering"] == "no"
    assert "content-length" not in response.headers


async def test_prices_and_stock_of_an_item_are_heard_by_whoever_names_it(live: Live, join: SignUp) -> None:
    seller, reader_of_it = await join(), await join()
    item = await an_item(live.http, seller)
    other = await an_item(live.http, seller, "Ink")
    await live.sequence()
    async with live.stream(reader_of_it, params={"channel": f"items:{item['id']}"}) as reader:
        await reader.next()
        for each, price in ((other, 3), (item, 8)):
            path = f"/api/v1/items/{each['id']}"
            answer = await live.http.patch(path, json={"price": price}, headers=seller.headers)
            assert answer.status_code == 200, answer.text
        await live.sequence()
        while (told := await reader.next()).data["type"] != "item.price_changed":
            assert told.data["subject"] == f"item:{item['id']}"
        assert told.data["data"] == {"item_id": item["id"], "price": 8, "old_price": 10, "currency": "EUR"}


async def test_staff_hear_of_all_orders(live: Live, join: SignUp) -> None:
    staff, buyer = await join(Role.MODERATOR), await join()
    async with live.stream(staff, params={"channel": ["staff:orders", "staff:stock"]}) as reader:
        await reader.next()
        await live.announce(OrderCreated(7, order_number(7), "33.14", "EUR", user_id=buyer.id))
        told = await reader.next()
        assert told.data["type"] == "order.created"
        assert told.data["data"] == {"number": order_number(7), "total": 33.14, "currency": "EUR"}


@pytest.mark.parametrize(
    "channel",
    [
        "staff:orders",
        "staff:stock",
        "user:999999",
        "orders:ORD-00000001",
        "support:ORD-00000001",
        "items:0",
        "items:abc",
        "items:",
        ":",
        "",
        "orders:1",
        "nonsense",
        "staff:all",
        "user:ME",
        "items:٣",
    ],
)
async def test_a_channel_that_is_not_ones_own_is_not_there(live: Live, join: SignUp, channel: str) -> None:
    answer = await live.http.get(STREAM, params={"channel": channel}, headers=(await join()).headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "channel-not-found")


async def test_strangers_and_wrong_parameters_are_refused(live: Live, join: SignUp) -> None:
    assert (await live.http.get(STREAM)).status_code == 401
    ada = await join()
    for query in ({"chanel": "items:1"}, {"channel": ["items:1"] * 51}, {"channel": "x" * 65}):
        assert (await live.http.get(STREAM, params=query, headers=ada.headers)).status_code == 422
    token = ada.headers["Authorization"].removeprefix("Bearer ")
    refused = await live.http.get(STREAM, params={"token": token})
    assert refused.status_code == 401, "a token in the address counts for nothing"


async def test_whoever_comes_again_is_told_what_was_missed_once_and_in_order(
    live: Live, join: SignUp
) -> None:
    ada, bob = await join(), await join()
    async with live.stream(ada) as reader:
        await reader.next()
        await live.announce(paid(1, ada.id))
        last = (await reader.next()).id
    await live.announce(*(paid(number, (ada if number % 2 else bob).id) for number in range(2, 200)))
    ways: list[dict[str, Any]] = [{"headers": {"Last-Event-ID": last}}, {"params": {"last_event_id": last}}]
    for way in ways:
        async with live.stream(ada, **way) as reader:
            hello = await reader.next()
            assert hello.id == last
            places = [int((await reader.next()).id) for _ in range(3, 200, 2)]
            assert places == list(range(3, 200, 2))
            await live.announce(paid(200, ada.id))
            assert (await reader.next()).data["data"]["number"] == order_number(200)
        await live.announce(paid(0))


async def test_events_that_come_while_somebody_catches_up_are_told_once(live: Live, join: SignUp) -> None:
    ada = await join()
    await live.announce(*(paid(number, ada.id) for number in range(1, 101)))
    many = live.announce(*(paid(number, ada.id) for number in range(101, 151)))
    async with live.stream(ada, params={"last_event_id": "0"}) as reader:
        announcing = asyncio.create_task(many)
        assert (await reader.next()).name == "connected"
        assert [int((await reader.next()).id) for _ in range(150)] == list(range(1, 151))
        await announcing


@pytest.mark.parametrize("last", ["1", "999", "-1", "x", "٣", "1e3", "9" * 60])
async def test_a_gap_that_is_too_old_or_no_place_at_all_resets(live: Live, join: SignUp, last: str) -> None:
    ada = await join()
    await live.announce(*(paid(number, ada.id) for number in range(1, 6)))
    async with live.app.state.database.sessions.begin() as session:
        await session.execute(text("DELETE FROM outbox_events WHERE sequence < 4"))
    async with live.stream(ada, params={"last_event_id": last}) as reader:
        assert (await reader.next()).name == "connected"
        reset = await reader.next()
        assert (reset.name, reset.id, reset.data) == ("reset", "5", {"type": "reset", "sequence": 5})
        await live.announce(paid(6, ada.id))
        assert (await reader.next()).id == "6"


async def test_a_ticket_opens_one_stream_once(live: Live, join: SignUp) -> None:
    ada = await join()
    answer = await live.http.post(TICKETS, headers=ada.headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    ticket = answer.json()["ticket"]
    assert answer.json()["expires_in"] == 30
    kept = [key async for key in live.app.state.redis.scan_iter("bookstore:stream-ticket:*")]
    assert len(kept) == 1
    assert ticket.encode() not in kept[0]
    assert 0 < await live.app.state.redis.ttl(kept[0]) <= tickets.LIFETIME
    async with live.stream(None, params={"ticket": ticket}) as reader:
        assert (await reader.next()).data["channels"] == [f"user:{ada.id}"]
        again = await live.http.get(STREAM, params={"ticket": ticket})
        assert (again.status_code, again.json()["code"]) == (401, "invalid-ticket")
    for wrong in ("x", "y" * 99, ""):
        assert (await live.http.get(STREAM, params={"ticket": wrong})).status_code == 401


async def test_two_that_come_with_one_ticket_are_one_let_in(live: Live, join: SignUp) -> None:
    ticket = (await live.http.post(TICKETS, headers=(await join()).headers)).json()["ticket"]

    async def come() -> str:
        try:
            async with live.stream(None, params={"ticket": ticket}) as reader:
                return (await reader.next()).name
        except AssertionError as refusal:
            return "refused" if "invalid-ticket" in str(refusal) else str(refusal)

    found = sorted(await asyncio.gather(*(come() for _ in range(5))))
    assert found == ["connected", "refused", "refused", "refused", "refused"]


async def test_a_ticket_of_a_session_that_ended_opens_nothing(live: Live, join: SignUp) -> None:
    ada = await join()
    ticket = (await live.http.post(TICKETS, headers=ada.headers)).json()["ticket"]
    assert (await live.http.post("/api/v1/auth/logout-all", headers=ada.headers)).status_code in {200, 204}
    refused = await live.http.get(STREAM, params={"ticket": ticket})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid-token")


async def test_head_tells_the_headers_alone(live: Live, join: SignUp) -> None:
    answer = await live.http.head(STREAM, headers=(await join()).headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.fixture
async def strict(servers: Servers, empty_database_url: str) -> AsyncIterator[Live]:
    """A server whose streams are few and short."""
    stream = {"per_user": 2, "per_worker": 3, "check": 0.2, "heartbeat": 0.3, "waiting": 4}
    async with live_server(settings_for(servers, empty_database_url, stream=stream)) as running:
        yield running


@pytest.fixture
def enter(strict: Live) -> SignUp:
    return joining(strict)


async def test_an_account_has_so_many_streams_and_a_server_too(strict: Live, enter: SignUp) -> None:
    ada, bob = await enter(), await enter()
    eve = await enter()
    async with strict.stream(ada) as one, strict.stream(ada) as two:
        await one.next()
        await two.next()
        refused = await strict.http.get(STREAM, headers=ada.headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        assert int(refused.headers["retry-after"]) > 0
        async with strict.stream(bob) as three:
            await three.next()
            full = await strict.http.get(STREAM, headers=eve.headers)
            assert (full.status_code, full.json()["code"]) == (503, "streams-full")
    # Where Redis did not hear of it, it is free by itself.
    async with asyncio.timeout(LASTS + 10):
        while await strict.app.state.redis.zcard(f"bookstore:streams:{ada.id}"):
            await asyncio.sleep(0.05)
    async with strict.stream(ada) as again:
        assert (await again.next()).name == "connected"


async def test_a_quiet_stream_has_a_heartbeat(strict: Live, enter: SignUp) -> None:
    ada = await enter()
    async with strict.stream(ada) as reader:
        await reader.next()
        async with asyncio.timeout(30):
            while reader.comments < 2:
                line = await anext(reader.lines)
                reader.comments += line == ": heartbeat"


@pytest.mark.parametrize("how", ["logout", "closed", "key"])
async def test_a_stream_ends_with_its_session(strict: Live, enter: SignUp, how: str) -> None:
    ada, admin = await enter(), await enter(Role.ADMIN)
    headers, key_id = ada.headers, None
    if how == "key":
        made = await strict.http.post(
            "/api/v1/api-keys", json={"name": "k", "scopes": ["profile:read"]}, headers=ada.headers
        )
        if made.status_code != 201:
            pytest.fail(made.text)
        headers, key_id = {"X-API-Key": made.json()["api_key"]}, made.json()["id"]
    async with strict.stream(None, headers=headers) as reader:
        await reader.next()
        if how == "logout":
            await strict.http.post("/api/v1/auth/logout-all", headers=ada.headers)
        elif how == "key":
            await strict.http.delete(f"/api/v1/api-keys/{key_id}", headers=ada.headers)
        else:
            path = f"/api/v1/admin/users/{ada.id}/deactivate"
            await strict.http.post(path, headers=admin.headers)
        told = await reader.rest()
    assert [(one.name, one.data) for one in told] == [
        ("closed", {"type": "closed", "reason": "session-ended"})
    ]


async def test_whoever_becomes_less_comes_again_as_what_they_are(strict: Live, enter: SignUp) -> None:
    staff = await enter(Role.MODERATOR)
    async with strict.stream(staff, params={"channel": "staff:orders"}) as reader:
        await reader.next()
        async with strict.app.state.database.sessions.begin() as session:
            await change_account(session, staff.id, role="user")
        [last] = await reader.rest()
    assert (last.name, last.data["reason"]) == ("reconnect", "access-changed")
    assert reader.retry == last.data["retry"]


async def test_a_reader_that_takes_nothing_is_cut(strict: Live, enter: SignUp) -> None:
    ada = await enter()
    async with strict.stream(ada) as reader:
        await reader.next()
        # More at once than may wait.
        await strict.announce(*(paid(number, ada.id) for number in range(1, 41)))
        told = await reader.rest()
    assert told[-1].name == "reconnect"
    assert told[-1].data["reason"] == "slow-reader"
    seen = [int(one.id) for one in told[:-1]]
    async with strict.stream(ada, params={"last_event_id": str(seen[-1] if seen else 0)}) as reader:
        await reader.next()
        seen += [int((await reader.next()).id) for _ in range(40 - len(seen))]
    assert seen == list(range(1, 41))


async def test_a_stream_lasts_so_long(servers: Servers, empty_database_url: str) -> None:
    settings = settings_for(servers, empty_database_url, stream={"lifetime": 1})
    async with live_server(settings) as live:
        ada = await joining(live)()
        async with live.stream(ada) as reader:
            await reader.next()
            [last] = await reader.rest()
        assert (last.name, last.data["reason"]) == ("reconnect", "lifetime")


async def test_a_server_that_leaves_ends_its_streams_at_once(live: Live, join: SignUp) -> None:
    ada = await join()
    async with live.stream(ada) as reader:
        await reader.next()
        LEAVING.hangs_up = True
        [last] = await reader.rest()
        assert (last.name, last.data["reason"]) == ("reconnect", "restart")
        assert 500 <= reader.retry < 3000
    async with live.stream(ada) as late:
        assert [one.data["reason"] for one in await late.rest()] == ["restart"]


async def test_without_redis_streams_stay_and_catch_up(live: Live, join: SignUp, servers: Servers) -> None:
    ada = await join()
    async with live.stream(ada) as reader:
        await reader.next()
        await live.announce(paid(1, ada.id))
        assert (await reader.next()).id == "1"
        servers.redis.stop()
        try:
            assert (await reader.named("degraded")).data == {"type": "degraded"}
            async with live.app.state.database.sessions.begin() as session:
                await publish(session, paid(2, ada.id))
                await session.flush()
                await sequence_events(session)
            assert (await reader.next()).id == "2"
            async with live.stream(ada) as other:
                assert (await other.next()).name == "connected"
                assert (await other.next()).name == "degraded"
        finally:
            servers.redis.start()
        await reader.named("recovered")
        await live.announce(paid(3, ada.id))
        assert (await reader.next()).id == "3"


async def test_a_page_of_another_origin_cannot_listen_by_cookie(live: Live, join: SignUp) -> None:
    ada = await join()
    token = ada.headers["Authorization"].removeprefix("Bearer ")
    cookie = {"Cookie": f"__Host-access_token={token}"}
    async with live.stream(None, headers=cookie) as reader:
        await reader.next()
    async with live.stream(None, headers={**cookie, **LOGIN}) as reader:
        await reader.next()
    refused = await live.http.get(STREAM, headers={**cookie, "Origin": "https://evil.example"})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf-refused")


async def test_a_key_gets_no_ticket(live: Live, join: SignUp) -> None:
    ada = await join()
    made = await live.http.post("/api/v1/api-keys", json={"name": "k", "scopes": []}, headers=ada.headers)
    refused = await live.http.post(TICKETS, headers={"X-API-Key": made.json()["api_key"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "session-required")


async def test_a_key_hears_no_more_of_its_owner_than_it_may_read(live: Live, join: SignUp) -> None:
    ada = await join()
    made = await live.http.post(
        "/api/v1/api-keys", json={"name": "k", "scopes": ["items:write"]}, headers=ada.headers
    )
    headers = {"X-API-Key": made.json()["api_key"]}
    for named in ({}, {"channel": "user:me"}, {"channel": f"user:{ada.id}"}):
        refused = await live.http.get(STREAM, params=named, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (404, "channel-not-found")
    async with live.stream(None, headers=headers, params={"channel": "items:1"}) as reader:
        assert (await reader.next()).data["channels"] == ["items:1"]


async def test_a_stream_ends_with_its_session_while_redis_hangs(
    servers: Servers, empty_database_url: str
) -> None:
    settings = settings_for(
        servers,
        empty_database_url,
        stream={"check": 0.2},
        redis={"url": servers.redis_url, "timeout": 60},
    )
    async with live_server(settings) as live:
        ada = await joining(live)()
        redis = live.app.state.redis
        async with live.stream(ada) as reader:
            await reader.next()
            await redis.client_pause(60_000, all=False)
            try:
                async with live.app.state.database.sessions.begin() as session:
                    await session.execute(text("UPDATE auth_sessions SET ended_at = now()"))
                [last] = await reader.rest()
            finally:
                await redis.client_unpause()
        assert last.data["reason"] == "session-ended"
