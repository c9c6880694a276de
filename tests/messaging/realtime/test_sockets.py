"""WebSockets: handshakes, commands, talk between members, and how a socket is closed."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.core.http.leaving import LEAVING
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Caller, SignUp, settings_for
from tests.factories import an_item, an_order

from .conftest import Live, joining, live_server, order_number, paid

TICKETS = "/api/v1/auth/stream-tickets"
_ACTIONS = "action: must be subscribe, unsubscribe, message or ping"
Headers = dict[str, str]


@asynccontextmanager
async def socket(
    live: Live, caller: Caller | None, name: str = "tab-1", query: str = "", headers: Headers | None = None
) -> AsyncIterator[ClientConnection]:
    """An open socket, which has not been read from."""
    given = {**(caller.headers if caller else {}), **(headers or {})}
    url = f"ws://{live.address}/api/v1/ws/{name}{query}"
    async with connect(url, additional_headers=given, proxy=None, max_size=None) as opened:
        yield opened


@asynccontextmanager
async def greeted(
    live: Live, caller: Caller, name: str = "tab-1", query: str = ""
) -> AsyncIterator[ClientConnection]:
    """An open socket that was told so."""
    async with socket(live, caller, name, query) as opened:
        assert (await said(opened))["type"] == "connected"
        yield opened


async def said(opened: ClientConnection) -> dict[str, Any]:
    """The next message."""
    async with asyncio.timeout(30):
        found: dict[str, Any] = json.loads(await opened.recv())
        return found


async def asked(opened: ClientConnection, message: object) -> dict[str, Any]:
    """The answer to a command, or to a text."""
    await opened.send(message if isinstance(message, str) else json.dumps(message))
    return await said(opened)


async def refused(live: Live, caller: Caller | None, **options: Any) -> tuple[int, str]:
    """The status of a handshake's refusal, and the problem's code."""
    with pytest.raises(InvalidStatus) as refusal:
        async with socket(live, caller, **options):
            pass
    response = refusal.value.response
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"]
    assert response.headers["x-content-type-options"] == "nosniff"
    return response.status_code, json.loads(response.body or b"")["code"]


async def closed(opened: ClientConnection) -> tuple[int, str, dict[str, Any] | None]:
    """Code and reason with which it was closed, and what was said last."""
    last = None
    async with asyncio.timeout(30):
        while True:
            try:
                last = json.loads(await opened.recv())
            except ConnectionClosed as end:
                frame = end.rcvd
                break
    assert frame is not None
    return frame.code, frame.reason, last


async def test_a_text_is_answered_and_commands_are_obeyed(live: Live, join: SignUp) -> None:
    ada = await join()
    async with socket(live, ada) as opened:
        hello = await said(opened)
        assert hello == {
            "type": "connected",
            "client_id": "tab-1",
            "message": "Connected as tab-1",
            "channels": [],
            "sequence": hello["sequence"],
        }
        assert opened.response is not None
        assert opened.response.headers["x-request-id"]
        for text in ("hello", "Grüße 📚", "{", "[1]", "12", '{"type": "x"}', " "):
            assert await asked(opened, text) == {
                "type": "message",
                "client_id": "tab-1",
                "content": text,
                "echo": f"Server received: {text}",
            }
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}


async def test_events_of_a_channel_come_from_its_subscription_to_its_end(live: Live, join: SignUp) -> None:
    ada = await join()
    item = await an_item(live.http, ada)
    await live.sequence()
    channel = f"items:{item['id']}"
    path = f"/api/v1/items/{item['id']}"
    async with greeted(live, ada) as opened:
        subscribed = await asked(opened, {"action": "subscribe", "channel": channel})
        assert subscribed == {"type": "status", "status": "subscribed", "channel": channel}
        await live.http.patch(path, json={"price": 8}, headers=ada.headers)
        await live.sequence()
        while (told := await said(opened))["event"]["type"] != "item.price_changed":
            pass
        assert (told["type"], told["channels"]) == ("event", [channel])
        assert told["event"]["data"]["price"] == 8
        left = await asked(opened, {"action": "unsubscribe", "channel": channel})
        assert left["status"] == "unsubscribed"
        await live.http.patch(path, json={"price": 9}, headers=ada.headers)
        await live.sequence()
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}


async def test_an_event_of_two_channels_comes_once(live: Live, join: SignUp) -> None:
    staff = await join(Role.MODERATOR)
    order = await bought(live, staff)
    channels = ["staff:orders", f"orders:{order}", "user:me"]
    query = "?" + "&".join(f"channel={channel}" for channel in channels)
    async with greeted(live, staff, query=query) as opened:
        await live.http.post(f"/api/v1/orders/{order}/cancel", headers=staff.headers)
        await live.sequence()
        while (told := await said(opened))["event"]["type"] != "order.cancelled":
            pass
        assert sorted(told["channels"]) == sorted(["staff:orders", f"orders:{order}", f"user:{staff.id}"])
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}


async def bought(live: Live, buyer: Caller) -> str:
    """The number of an order of theirs."""
    item = await an_item(live.http, await joining(live)(), quantity=5)
    order = await an_order(live.http, buyer, (item, 1))
    await live.sequence()
    return str(order["number"])


async def test_an_order_is_heard_by_its_buyer_and_by_staff_alone(live: Live, join: SignUp) -> None:
    ada, bob = await join(), await join()
    staff = await join(Role.MODERATOR)
    number = await bought(live, ada)
    path = f"/api/v1/orders/{number}/events"
    assert (await live.http.get(path, headers=bob.headers)).status_code == 404
    assert (await live.http.get("/api/v1/orders/ORD-1/events", headers=ada.headers)).status_code == 422
    assert (await live.http.get(path)).status_code == 401
    async with live.stream(ada, path) as own, live.stream(staff, path) as other:
        await own.next()
        await other.next()
        await live.http.post(f"/api/v1/orders/{number}/cancel", headers=ada.headers)
        await live.announce(paid(999))
        for reader in (own, other):
            told = await reader.next()
            assert (told.data["type"], told.data["data"]["number"]) == ("order.cancelled", number)
    async with greeted(live, bob) as opened:
        answer = await asked(opened, {"action": "subscribe", "channel": f"orders:{number}"})
        assert (answer["type"], answer["code"]) == ("error", "channel-not-found")
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}


async def test_members_of_a_channel_hear_each_other_and_who_leaves(live: Live, join: SignUp) -> None:
    ada, bob = await join(), await join()
    query = "?channel=items:7"
    async with greeted(live, ada, "ada", query) as one, greeted(live, ada, "ada-2", query) as two:
        async with greeted(live, bob, "bob", query) as three:
            await three.send(json.dumps({"action": "message", "channel": "items:7", "content": "Hi 👋"}))
            heard = {"type": "message", "channel": "items:7", "client_id": "bob", "content": "Hi 👋"}
            assert await said(one) == heard
            assert await said(two) == heard
            assert await asked(three, {"action": "ping"}) == {"type": "pong"}, "nobody hears themselves"
        gone = {"type": "left", "channel": "items:7", "client_id": "bob", "message": "Client bob left"}
        assert await said(one) == gone
        await one.send(json.dumps({"action": "unsubscribe", "channel": "items:7"}))
        assert (await said(two))["client_id"] == "bob"
        assert (await said(two)) == {**gone, "client_id": "ada", "message": "Client ada left"}
        assert (await said(one))["status"] == "unsubscribed"
        refusal = await asked(one, {"action": "message", "channel": "items:7", "content": "x"})
        assert (refusal["type"], refusal["code"]) == ("error", "not-subscribed")


async def test_talk_reaches_the_members_in_another_process(
    live: Live, join: SignUp, servers: Servers
) -> None:
    ada = await join()
    url = live.app.state.settings.database.url.get_secret_value()
    query = "?channel=items:7"
    async with live_server(settings_for(servers, url)) as other:
        async with greeted(live, ada, "here", query) as one, greeted(other, ada, "there", query) as two:
            await one.send(json.dumps({"action": "message", "channel": "items:7", "content": "x"}))
            assert (await said(two))["client_id"] == "here"
            await live.announce(paid(1, ada.id))
        async with live.stream(ada) as three, other.stream(ada) as four:
            await three.next()
            await four.next()
            await live.announce(paid(2, ada.id))
            assert (await three.next()).id == (await four.next()).id


@pytest.mark.parametrize(
    ("message", "detail"),
    [
        ({"action": "fly"}, _ACTIONS),
        ({"action": "subscribe"}, "channel: Field required"),
        ({"action": "subscribe", "channel": 7}, "channel: Input should be a valid string"),
        ({"action": "subscribe", "channel": "x" * 65}, "channel: String should have at most 64 characters"),
        (
            {"action": "subscribe", "channel": "items:1", "more": 1},
            "more: Extra inputs are not permitted",
        ),
        (
            {"action": "message", "channel": "items:1", "content": ""},
            "content: must have at least 1 character",
        ),
        (
            {"action": "message", "channel": "items:1", "content": "a\x00b"},
            "content: must not contain control characters",
        ),
        ({"action": "message", "channel": "items:1", "content": " \n"}, "content: must not be blank"),
        ({"action": None}, _ACTIONS),
        ({"action": ["ping"]}, _ACTIONS),
    ],
    ids=str,
)
async def test_a_malformed_command_is_an_error_and_the_connection_stays(
    live: Live, join: SignUp, message: dict[str, Any], detail: str
) -> None:
    async with greeted(live, await join()) as opened:
        answer = await asked(opened, message)
        assert (answer["type"], answer["code"]) == ("error", "invalid-message")
        assert answer["detail"] == detail
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}


async def test_bytes_too_many_channels_and_strange_ones_are_errors(live: Live, join: SignUp) -> None:
    query = "?" + "&".join(f"channel=items:{number}" for number in range(1, 51))
    async with greeted(live, await join(), query=query) as opened:
        await opened.send(b"bytes")
        assert (await said(opened))["code"] == "invalid-message"
        answer = await asked(opened, {"action": "subscribe", "channel": "items:51"})
        assert answer["code"] == "too-many-channels"
        for channel in ("staff:orders", "user:999", f"orders:{order_number(1)}", "moon:1"):
            answer = await asked(opened, {"action": "subscribe", "channel": channel})
            assert (answer["code"], answer["channel"]) == ("channel-not-found", channel)


async def test_handshakes_are_refused_before_they_are_accepted(live: Live, join: SignUp) -> None:
    ada = await join()
    assert await refused(live, None) == (401, "not-authenticated")
    assert await refused(live, None, headers={"Authorization": "Bearer x"}) == (401, "invalid-token")
    assert await refused(live, None, query="?ticket=x") == (401, "invalid-ticket")
    assert await refused(live, ada, query="?channel=staff:orders") == (404, "channel-not-found")
    assert await refused(live, ada, query="?chanel=items:1") == (422, "validation")
    assert await refused(live, ada, name="a%20b") == (422, "validation")
    assert await refused(live, ada, name="x" * 65) == (422, "validation")
    assert await refused(live, ada, headers={"Host": "evil.example"}) == (400, "host-not-allowed")
    token = ada.headers["Authorization"].removeprefix("Bearer ")
    assert await refused(live, None, query=f"?token={token}") == (422, "validation")


async def test_a_page_of_another_origin_opens_nothing_by_cookie(live: Live, join: SignUp) -> None:
    token = (await join()).headers["Authorization"].removeprefix("Bearer ")
    cookie = {"Cookie": f"__Host-access_token={token}"}
    foreign = {**cookie, "Origin": "https://evil.example"}
    assert await refused(live, None, headers=foreign) == (403, "csrf-refused")
    async with socket(live, None, headers={**cookie, "Origin": "https://localhost:8000"}) as opened:
        assert (await said(opened))["type"] == "connected"


async def test_a_ticket_opens_one_socket_once(live: Live, join: SignUp) -> None:
    ticket = (await live.http.post(TICKETS, headers=(await join()).headers)).json()["ticket"]
    async with socket(live, None, query=f"?ticket={ticket}") as opened:
        assert (await said(opened))["type"] == "connected"
    assert await refused(live, None, query=f"?ticket={ticket}") == (401, "invalid-ticket")


async def test_whoever_comes_again_is_told_what_was_missed(live: Live, join: SignUp) -> None:
    ada = await join()
    async with greeted(live, ada, query="?channel=user:me") as opened:
        await live.announce(paid(1, ada.id))
        last = (await said(opened))["event"]["sequence"]
    await live.announce(*(paid(number, ada.id) for number in range(2, 100)))
    async with greeted(live, ada, query=f"?channel=user:me&last_event_id={last}") as opened:
        seen = [(await said(opened))["event"]["sequence"] for _ in range(98)]
        assert seen == list(range(2, 100))


async def test_who_was_told_nothing_yet_misses_nothing(live: Live, join: SignUp) -> None:
    async with socket(live, await join(), query="?last_event_id=") as opened:
        assert (await said(opened))["type"] == "connected"
        assert (await asked(opened, {"action": "ping"}))["type"] == "pong"


async def test_what_clients_do_wrong_is_no_error_of_ours(
    live: Live, join: SignUp, caplog: pytest.LogCaptureFixture
) -> None:
    assert await refused(live, None) == (401, "not-authenticated")
    async with greeted(live, await join()) as opened:
        await opened.send(b"\xff", text=True)
        code, _, _ = await closed(opened)
        assert code == 1007
    assert [line.getMessage() for line in caplog.records] == []


async def test_messages_too_big_or_too_many_end_the_connection(
    servers: Servers, empty_database_url: str
) -> None:
    stream = {"message_size": 1024, "rate": 5}
    async with live_server(settings_for(servers, empty_database_url, stream=stream)) as live:
        ada = await joining(live)()
        async with greeted(live, ada) as opened:
            assert (await asked(opened, "x" * 1024))["type"] == "message"
            await opened.send("x" * 1025)
            code, _, _ = await closed(opened)
            assert code == 1009
        async with greeted(live, ada) as opened:
            found = []
            for number in range(8):
                await opened.send(str(number))
            found = [(await said(opened)) for _ in range(8)]
            assert [one["type"] for one in found[:5]] == ["message"] * 5
            assert {one.get("code") for one in found[5:]} <= {"too-many-messages", None}
            assert found[-1].get("code") == "too-many-messages"
        async with greeted(live, ada) as opened:
            for number in range(60):
                await opened.send(str(number))
            code, reason, last = await closed(opened)
            assert (code, reason) == (1008, "too-many-messages")
            assert last == {"type": "closed", "reason": "too-many-messages"}
        async with greeted(live, ada) as opened:
            for _ in range(8):
                await opened.send(b"bytes")
            codes = [(await said(opened))["code"] for _ in range(8)]
            assert codes[:5] == ["invalid-message"] * 5
            assert codes[-1] == "too-many-messages"


async def test_the_end_of_a_session_closes_its_sockets(servers: Servers, empty_database_url: str) -> None:
    settings = settings_for(servers, empty_database_url, stream={"check": 0.2})
    async with live_server(settings) as live:
        ada = await joining(live)()
        async with greeted(live, ada) as opened:
            await live.http.post("/api/v1/auth/logout-all", headers=ada.headers)
            assert await closed(opened) == (
                1008,
                "session-ended",
                {"type": "closed", "reason": "session-ended"},
            )


async def test_a_server_that_leaves_closes_sockets_at_once_with_a_hint(live: Live, join: SignUp) -> None:
    ada = await join()
    async with greeted(live, ada) as opened:
        LEAVING.hangs_up = True
        code, reason, last = await closed(opened)
        assert (code, reason) == (1012, "restart")
        assert last is not None
        assert (last["type"], last["reason"]) == ("reconnect", "restart")
    assert await refused(live, ada) == (503, "streams-full")


async def test_a_plain_get_is_no_handshake(live: Live, join: SignUp) -> None:
    answer = await live.http.get("/api/v1/ws/tab-1", headers=(await join()).headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "no-such-route")
