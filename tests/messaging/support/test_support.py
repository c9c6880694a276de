"""Talk about an order between its buyer and staff: kept, listed, and heard at once."""

import json

import pytest

from app.identity.permissions import Role
from tests.conftest import SignUp
from tests.factories import an_item, an_order
from tests.messaging.realtime.conftest import Live, join, joining, live
from tests.messaging.realtime.test_sockets import asked, bought, greeted, said

__all__ = ["join", "live"]


async def test_buyer_and_staff_talk_and_it_is_kept(live: Live, join: SignUp) -> None:
    ada, staff = await join(), await join(Role.MODERATOR)
    number = await bought(live, ada)
    channel = f"support:{number}"
    path = f"/api/v1/orders/{number}/messages"
    async with (
        greeted(live, ada, "ada", f"?channel={channel}") as one,
        greeted(live, staff, "desk", f"?channel={channel}&channel=staff:orders") as two,
    ):
        await one.send(json.dumps({"action": "message", "channel": channel, "content": "Wrap it? 🎁"}))
        assert await asked(one, {"action": "ping"}) == {"type": "pong"}
        await live.sequence()
        heard = await said(two)
        assert heard == {
            "type": "message",
            "channel": channel,
            "client_id": "ada",
            "content": "Wrap it? 🎁",
            "message_id": heard["message_id"],
            "author": "buyer",
            "sequence": heard["sequence"],
        }
        await two.send(json.dumps({"action": "message", "channel": channel, "content": "Yes."}))
        assert await asked(two, {"action": "ping"}) == {"type": "pong"}
        await live.sequence()
        assert (await said(one))["author"] == "staff"
        assert await asked(one, {"action": "ping"}) == {"type": "pong"}
    for caller in (ada, staff):
        listed = (await live.http.get(path, headers=caller.headers)).json()
        assert listed["total"] == 2
        assert [(each["author"], each["content"]) for each in listed["items"]] == [
            ("staff", "Yes."),
            ("buyer", "Wrap it? 🎁"),
        ]


async def test_it_is_nobody_elses(live: Live, join: SignUp) -> None:
    ada, bob = await join(), await join()
    number = await bought(live, ada)
    path = f"/api/v1/orders/{number}/messages"
    assert (await live.http.get(path)).status_code == 401
    for missing in (path, "/api/v1/orders/ORD-99999999/messages"):
        answer = await live.http.get(missing, headers=bob.headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")
    async with greeted(live, bob, "bob") as opened:
        for action in ({"action": "subscribe"}, {"action": "message", "content": "x"}):
            answer_ = await asked(opened, {**action, "channel": f"support:{number}"})
            assert (answer_["type"], answer_["code"]) == ("error", "channel-not-found")


@pytest.mark.parametrize(("length", "is_kept"), [(2000, True), (2001, False)])
async def test_a_message_has_at_most_two_thousand_characters(
    live: Live, join: SignUp, length: int, is_kept: bool
) -> None:
    ada = await join()
    number = await bought(live, ada)
    channel = f"support:{number}"
    async with greeted(live, ada, "ada", f"?channel={channel}") as opened:
        await opened.send(json.dumps({"action": "message", "channel": channel, "content": "ß" * length}))
        answer = await asked(opened, {"action": "ping"})
        assert answer.get("code") == (None if is_kept else "invalid-message")
    listed = (await live.http.get(f"/api/v1/orders/{number}/messages", headers=ada.headers)).json()
    assert listed["total"] == int(is_kept)


async def test_who_was_away_is_told_when_they_come_again(live: Live, join: SignUp) -> None:
    ada, staff = await join(), await join(Role.MODERATOR)
    number = await bought(live, ada)
    channel = f"support:{number}"
    async with greeted(live, staff, "desk", f"?channel={channel}") as opened:
        for text in ("one", "two"):
            await opened.send(json.dumps({"action": "message", "channel": channel, "content": text}))
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}
    last = await live.sequence()
    async with live.stream(ada, params={"channel": channel, "last_event_id": str(last - 2)}) as reader:
        await reader.next()
        told = [await reader.next() for _ in range(2)]
        assert [one.data["data"]["content"] for one in told] == ["one", "two"]
        assert told[0].data["type"] == "support.message"


async def test_pages_go_on_by_a_cursor_of_this_order_alone(live: Live, join: SignUp) -> None:
    ada = await join()
    number = await bought(live, ada)
    item = await an_item(live.http, await joining(live)(), quantity=5)
    other = (await an_order(live.http, ada, (item, 1)))["number"]
    channel = f"support:{number}"
    async with greeted(live, ada, "ada", f"?channel={channel}") as opened:
        for text in ("one", "two", "three"):
            await opened.send(json.dumps({"action": "message", "channel": channel, "content": text}))
        assert await asked(opened, {"action": "ping"}) == {"type": "pong"}
    path = f"/api/v1/orders/{number}/messages"
    first = (await live.http.get(path, params={"limit": 2}, headers=ada.headers)).json()
    query = {"limit": 2, "cursor": first["next_cursor"]}
    rest = (await live.http.get(path, params=query, headers=ada.headers)).json()
    assert [one["content"] for one in (*first["items"], *rest["items"])] == ["three", "two", "one"]
    wrong = await live.http.get(f"/api/v1/orders/{other}/messages", params=query, headers=ada.headers)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid-cursor")
