"""A new notification is told to whoever's it is, on `user:{me}`, and to nobody else."""

import pytest

from app.core.clock import utc_now
from app.core.events.events import Delivery, publish, run_transactional
from app.identity.permissions import Role
from app.messaging.notifications.kinds import KINDS
from app.messaging.notifications.repository import Notice
from app.messaging.notifications.service import NotificationService
from app.sales.orders.events import OrderShipped
from tests.conftest import Caller, SignUp

from .conftest import Live, order_number, paid
from .test_sockets import greeted, said

URL = "/api/v1/users/me/notifications"


async def tell(live: Live, owner: Caller, event_id: int = 1, kind: str = "order_paid") -> None:
    """Write it as the worker does."""
    number = order_number(event_id)
    notice = Notice(event_id, KINDS[kind], f"order:{number}", {"number": number})
    async with live.app.state.database.sessions.begin() as session:
        await NotificationService.build(session).tell(notice, owner.id)


async def test_a_new_notification_is_heard_at_once_by_whose_it_is(live: Live, join: SignUp) -> None:
    ada, bob = await join(), await join()
    staff = await join(Role.SUPER_ADMIN)
    channels = {"channel": ["user:me", "staff:orders", "staff:stock"]}
    async with (
        live.stream(ada) as reader,
        live.stream(bob) as other,
        live.stream(staff, params=channels) as all_of_it,
    ):
        for each in (reader, other, all_of_it):
            await each.next()
        await tell(live, ada)
        await live.sequence()
        told = await reader.next()
        [listed] = (await live.http.get(URL, headers=ada.headers)).json()["items"]
        assert (told.name, told.id) == ("message", "1")
        assert told.data["type"] == "notification.created"
        assert told.data["subject"] == f"notification:{listed['id']}"
        assert told.data["data"] == {
            "notification_id": listed["id"],
            "kind": "order_paid",
            "category": "orders",
            "about": listed["subject"],
        }
        await live.announce(paid(2, bob.id))
        # What the others hear first is what came after it.
        assert (await other.next()).data["type"] == "order.paid"
        assert (await all_of_it.next()).data["type"] == "order.paid"


async def test_a_socket_hears_of_it_too(live: Live, join: SignUp) -> None:
    ada = await join()
    async with greeted(live, ada, query="?channel=user:me") as opened:
        await tell(live, ada)
        await live.sequence()
        message = await said(opened)
        assert (message["type"], message["channels"]) == ("event", [f"user:{ada.id}"])
        assert message["event"]["type"] == "notification.created"


async def test_whoever_was_away_hears_of_it_once(live: Live, join: SignUp) -> None:
    ada, bob = await join(), await join()
    last = await live.announce(paid(1, ada.id))
    for owner, event_id in ((bob, 2), (ada, 3), (ada, 3), (ada, 4)):
        await tell(live, owner, event_id)
    await live.sequence()
    async with live.stream(ada, headers={"Last-Event-ID": str(last)}) as reader:
        await reader.next()
        told = [await reader.next() for _ in range(2)]
        assert [each.data["data"]["about"] for each in told] == [f"order:{order_number(n)}" for n in (3, 4)]
        await live.announce(paid(5, ada.id))
        assert (await reader.next()).data["type"] == "order.paid"


async def test_what_one_does_not_want_in_the_shop_is_not_told_live(live: Live, join: SignUp) -> None:
    ada = await join()
    body = {"choices": {"orders": {"in_app": False}}}
    url = "/api/v1/users/me/notification-preferences"
    assert (await live.http.put(url, json=body, headers=ada.headers)).status_code == 200
    async with live.stream(ada) as reader:
        await reader.next()
        await tell(live, ada)
        await live.announce(paid(2, ada.id))
        assert (await reader.next()).data["type"] == "order.paid"


@pytest.mark.parametrize("all_accounts", [False, True])
async def test_webhooks_and_the_feed_have_what_it_is_about_instead(
    live: Live, join: SignUp, *, all_accounts: bool
) -> None:
    staff = await join(Role.SUPER_ADMIN)
    await tell(live, staff)
    last = await live.announce(paid(2, staff.id))
    query = {"all_accounts": str(all_accounts).lower()}
    feed = (await live.http.get("/api/v1/events", params=query, headers=staff.headers)).json()
    assert [each["type"] for each in feed["items"] if each["sequence"] <= last] == ["order.paid"]
    hook = {"url": "https://hooks.example.com/", "events": ["notification.created"]}
    answer = await live.http.post("/api/v1/webhooks", json=hook, headers=staff.headers)
    assert answer.status_code == 422, answer.text


async def test_a_killed_worker_that_starts_over_tells_it_once(live: Live, join: SignUp) -> None:
    ada = await join()
    event = OrderShipped(7, order_number(7), 3, user_id=ada.id)
    payload = {name: getattr(event, name) for name in event.__dataclass_fields__}
    delivery = Delivery(70, 1, event.type, payload, "", utc_now())
    session = live.app.state.database.sessions()
    await run_transactional(session, delivery)
    await session.rollback()
    await session.close()
    for _ in range(2):
        async with live.app.state.database.sessions.begin() as again:
            await run_transactional(again, delivery)
            await publish(again, paid(8, ada.id))
    await live.sequence()
    async with live.stream(ada, headers={"Last-Event-ID": "0"}) as reader:
        await reader.next()
        told = [(await reader.next()).data["type"] for _ in range(3)]
        assert sorted(told) == ["notification.created", "order.paid", "order.paid"]
