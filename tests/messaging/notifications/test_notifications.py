"""The list of notifications: written by the worker, read by its owner alone."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, Event, run_transactional
from app.identity.events import (
    ApiKeyMade,
    CredentialsEnded,
    EmailChanged,
    NewDevice,
    PasswordChanged,
    SecondFactorChanged,
    TokenReused,
)
from app.messaging.notifications.handlers import purge_notifications
from app.messaging.notifications.kinds import KINDS
from app.messaging.notifications.models import Notification
from app.messaging.notifications.repository import Notice, NotificationRepository
from app.messaging.notifications.service import NotificationService
from app.messaging.support.events import SupportMessageWritten
from app.sales.orders.events import OrderCreated, OrderDelivered, OrderPaid
from tests.conftest import Caller, SignUp, change_account
from tests.messaging.conftest import Mailed
from tests.worker.conftest import Ask, Change

URL = "/api/v1/users/me/notifications"


async def shown(client: httpx.AsyncClient, owner: Caller, **query: object) -> dict[str, Any]:
    parameters = {name: str(value) for name, value in query.items()}
    answer = await client.get(URL, params=parameters, headers=owner.headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def tell(
    session: AsyncSession, owner: Caller, kind: str = "order_paid", event_id: int = 1, **details: object
) -> None:
    notice = Notice(event_id, KINDS[kind], None, details or {"number": f"ORD-{event_id}"})
    await NotificationService.build(session).tell(notice, owner.id)
    await session.commit()


@pytest.mark.parametrize(
    ("event", "titles"),
    [
        (PasswordChanged(1), ["Your password was changed"]),
        (EmailChanged(1, "old@example.com"), ["Your e-mail address was changed"]),
        (NewDevice(1, "Firefox <b>", "192.0.2.1"), ["A new device logged in"]),
        (TokenReused(1, "Firefox", "192.0.2.1"), ["We ended a session of your account"]),
        (SecondFactorChanged(1, "passkey_added"), ["The protection of your account was changed"]),
        (CredentialsEnded(1, "passkeys"), ["Some of your keys and factors ended"]),
        (ApiKeyMade(1, "till", "bk_1…"), ["A new API key"]),
        (OrderCreated(9, "ORD-9", "3.00", "EUR", user_id=1), ["We have your order ORD-9"]),
        (OrderDelivered(9, "ORD-9", user_id=1), ["Your order ORD-9 was delivered"]),
        (
            SupportMessageWritten(9, "ORD-9", 4, "staff", "It left.", user_id=1),
            ["An answer about your order ORD-9"],
        ),
        (SupportMessageWritten(9, "ORD-9", 4, "buyer", "Where is it?", user_id=1), []),
        (OrderPaid(9, "ORD-9", user_id=None), []),
        (OrderPaid(9, "ORD-9", user_id=404), []),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else "",
)
async def test_an_event_is_told_to_its_owner_once(
    client: httpx.AsyncClient,
    sign_up: SignUp,
    session: AsyncSession,
    event: Any,
    titles: Sequence[str],
) -> None:
    owner, other = await sign_up(), await sign_up()
    about = {name: getattr(event, name) for name in event.__dataclass_fields__}
    about["user_id"] = owner.id if event.user_id == 1 else event.user_id
    delivery = Delivery(77, 1, event.type, about, "", utc_now())
    # Beside ours, that of the mail, which asks for orders.
    for _ in range(2):
        await run_transactional(session, delivery)
    await session.commit()
    page = await shown(client, owner)
    assert [one["title"] for one in page["items"]] == titles
    assert (page["total"], page["unread"]) == (len(titles), len(titles))
    assert (await shown(client, other))["items"] == []
    for one in page["items"]:
        assert set(one) == {"id", "kind", "category", "title", "text", "subject", "created_at", "read_at"}


async def test_a_worker_tells_of_what_happened_by_mail_and_in_the_shop(
    mailed: Mailed, ask: Ask, change: Change
) -> None:
    await change("UPDATE users SET language = 'de'")
    [mail] = await mailed(SecondFactorChanged(1, "passkey_added"))
    assert mail["Subject"] == "Der Schutz Ihres Kontos wurde geändert"
    told = "SELECT kind || ' ' || subject || ' ' || details::text FROM notifications"
    assert await ask(told) == 'second_factor_changed user:1 {"what": "passkey_added"}'
    await change("UPDATE outbox_events SET done_at = NULL, available_at = now(), locked_until = now()")
    await mailed(None)
    assert await ask("SELECT count(*) FROM notifications") == 1


async def test_the_text_is_in_the_language_of_whoever_reads_when_they_read(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await tell(session, seller, "order_cancelled", number="ORD-7 📚 <b>", reason="expired")
    [one] = (await shown(client, seller))["items"]
    assert (one["title"], one["text"]) == ("Your order ORD-7 📚 <b> is cancelled", "It was not paid in time.")
    await change_account(session, seller.id, language="de-AT")
    await session.commit()
    [one] = (await shown(client, seller))["items"]
    assert (one["title"], one["text"]) == (
        "Ihre Bestellung ORD-7 📚 <b> ist storniert",
        "Sie wurde nicht rechtzeitig bezahlt.",
    )


async def test_who_does_not_want_a_category_in_the_shop_is_not_told(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    body = {"choices": {"orders": {"in_app": False}}}
    url = "/api/v1/users/me/notification-preferences"
    assert (await client.put(url, json=body, headers=seller.headers)).status_code == 200
    await tell(session, seller)
    await tell(session, seller, "password_changed", 2)
    assert [one["kind"] for one in (await shown(client, seller))["items"]] == ["password_changed"]


async def test_a_closed_account_is_told_nothing(seller: Caller, session: AsyncSession) -> None:
    await change_account(session, seller.id, is_active=False)
    await tell(session, seller)
    assert await session.scalar(select(func.count()).select_from(Notification)) == 0


async def test_pages_filters_and_cursors(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    for event_id in range(1, 6):
        await tell(session, seller, event_id=event_id)
    await tell(session, seller, "password_changed", 6)
    first = await shown(client, seller, limit=4)
    # One transaction, one moment: ids decide.
    assert [one["kind"] for one in first["items"]] == ["password_changed", *["order_paid"] * 3]
    second = await shown(client, seller, limit=4, cursor=first["next_cursor"])
    ids = [one["id"] for one in first["items"] + second["items"]]
    assert ids == sorted(ids, reverse=True)
    assert (len(ids), first["total"], second["has_next"]) == (6, 6, False)
    assert (await shown(client, seller, category="account"))["total"] == 1
    answer = await client.post(f"{URL}/{ids[0]}/read", headers=seller.headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["read_at"]
    page = await shown(client, seller, unread="true")
    assert (page["total"], page["unread"]) == (5, 5)
    read = await shown(client, seller, unread="false")
    assert ([one["id"] for one in read["items"]], read["unread"]) == ([ids[0]], 5)
    for wrong in ({"category": "gossip"}, {"unread": "perhaps"}, {"nonsense": "1"}, {"cursor": "x"}):
        assert (await client.get(URL, params=wrong, headers=seller.headers)).status_code == 422
    foreign = {"cursor": first["next_cursor"], "unread": "true"}
    assert (await client.get(URL, params=foreign, headers=seller.headers)).status_code == 422


async def test_reading_all_leaves_what_came_meanwhile(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    for event_id in range(1, 4):
        await tell(session, seller, event_id=event_id)
    newest, middle, _ = [one["id"] for one in (await shown(client, seller))["items"]]
    some = await client.post(f"{URL}/read-all", json={"up_to": middle}, headers=seller.headers)
    assert (some.status_code, some.json()) == (200, {"unread": 1})
    assert [one["id"] for one in (await shown(client, seller, unread="true"))["items"]] == [newest]
    everything = await client.post(f"{URL}/read-all", headers=seller.headers)
    assert everything.json() == {"unread": 0}
    count = await client.get(f"{URL}/unread-count", headers=seller.headers)
    assert count.json() == {"unread": 0}
    for wrong in ({"up_to": 0}, {"up_to": "1"}, {"since": 1}):
        assert (await client.post(f"{URL}/read-all", json=wrong, headers=seller.headers)).status_code == 422


async def test_what_was_read_keeps_its_moment(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await tell(session, seller)
    [one] = (await shown(client, seller))["items"]
    before = utc_now() - timedelta(days=1)
    await session.execute(update(Notification).values(read_at=before))
    await session.commit()
    again = await client.post(f"{URL}/{one['id']}/read", headers=seller.headers)
    assert again.json()["read_at"].startswith(f"{before:%Y-%m-%dT%H:%M:%S}")


async def test_somebody_elses_is_not_found_and_stays(
    client: httpx.AsyncClient, sign_up: SignUp, session: AsyncSession
) -> None:
    ada, bob = await sign_up(), await sign_up()
    await tell(session, ada)
    [one] = (await shown(client, ada))["items"]
    for call in (
        client.post(f"{URL}/{one['id']}/read", headers=bob.headers),
        client.delete(f"{URL}/{one['id']}", headers=bob.headers),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["code"]) == (404, "notification-not-found")
    await client.post(f"{URL}/read-all", headers=bob.headers)
    assert (await shown(client, ada))["unread"] == 1
    assert (await client.delete(f"{URL}/{one['id']}", headers=ada.headers)).status_code == 204
    assert (await client.delete(f"{URL}/{one['id']}", headers=ada.headers)).status_code == 404
    assert (await shown(client, ada))["total"] == 0


async def test_a_kind_of_a_newer_release_is_not_shown(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    await tell(session, seller)
    await session.execute(update(Notification).values(kind="of_tomorrow"))
    await session.commit()
    page = await shown(client, seller)
    assert (page["items"], page["total"], page["unread"]) == ([], 0, 0)


async def test_old_notifications_go_read_ones_earlier(seller: Caller, session: AsyncSession) -> None:
    for event_id in range(1, 5):
        await tell(session, seller, event_id=event_id)
    now = utc_now()
    ages = {1: (181, None), 2: (179, None), 3: (100, 91), 4: (100, 89)}
    for event_id, (written, read) in ages.items():
        values = {
            "created_at": now - timedelta(days=written),
            "read_at": None if read is None else now - timedelta(days=read),
        }
        await session.execute(update(Notification).where(Notification.event_id == event_id).values(**values))
    assert await purge_notifications(session) == 2
    left = await session.scalars(select(Notification.event_id).order_by(Notification.event_id))
    assert left.all() == [2, 4]


async def test_a_deleted_account_takes_its_notifications_along(
    live_app: FastAPI, live_sign_up: SignUp, change: Change, ask: Ask
) -> None:
    owner = await live_sign_up()
    async with live_app.state.database.sessions.begin() as session:
        notice = Notice(1, KINDS["password_changed"], None, {})
        assert await NotificationRepository(session).add(notice, owner.id) == 1
        # Nobody twice.
        assert await NotificationRepository(session).add(notice, owner.id) is None
    assert await ask("SELECT user_id FROM notifications") == owner.id
    await change("DELETE FROM users")
    assert await ask("SELECT count(*) FROM notifications") == 0
