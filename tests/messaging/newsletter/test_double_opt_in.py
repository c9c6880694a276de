"""Who reads the address decides whether it gets the newsletter."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from dirty_equals import IsStr
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.feed import FeedEvent
from app.messaging.newsletter.handlers import purge_newsletter
from app.messaging.public_events import PUBLIC_EVENTS, Audience, envelope
from tests.conftest import Caller, SignUp, events_of
from tests.messaging.newsletter.conftest import API, ASKED, Subscribed
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import PostOffice, text_of, token_of

Work = Callable[[], Awaitable[None]]


async def test_an_address_gets_the_newsletter_once_its_reader_says_so(
    live_client: httpx.AsyncClient, work: Work, post_office: PostOffice, ask: Ask
) -> None:
    asked = await live_client.post(ASKED, json={"email": "ada@example.com"})
    assert asked.status_code == 202
    await work()
    [mail] = post_office.messages
    assert mail["Subject"] == "Please confirm that you want our newsletter"
    assert mail["List-Unsubscribe"] is None
    assert "account" not in text_of(mail)
    assert await ask("SELECT state FROM newsletter_subscriptions") == "pending"
    token = token_of(mail, "/newsletter/confirm")
    assert not await ask("SELECT count(*) FROM outbox_events WHERE payload::text LIKE :it", it=f"%{token}%")
    confirmed = await live_client.post(f"{API}/confirm", json={"token": token})
    assert confirmed.json() == {"email": "ada@example.com", "state": "confirmed"}
    await work()
    welcome = post_office.messages[1]
    assert welcome["Subject"] == "You get our newsletter"
    again = await live_client.post(f"{API}/confirm", json={"token": token})
    assert (again.status_code, again.json()["code"]) == (400, "invalid-one-time-token")


async def test_the_answer_is_the_same_for_every_address(
    live_client: httpx.AsyncClient, subscribed: Subscribed, work: Work, post_office: PostOffice
) -> None:
    await subscribed()
    fresh = await live_client.post(ASKED, json={"email": "new@example.com"})
    known = await live_client.post(ASKED, json={"email": "ADA@example.com"})
    assert (fresh.status_code, fresh.json()) == (known.status_code, known.json())
    await work()
    assert len(post_office.to("ada@example.com")) == 2
    assert post_office.to("ADA@example.com") == []


async def test_the_mail_is_in_the_language_of_the_browser(
    subscribed: Subscribed, post_office: PostOffice
) -> None:
    welcome = await subscribed("björk@exämple.com", **{"Accept-Language": "de-AT"})
    assert post_office.messages[0]["Subject"] == "Bitte bestätigen Sie, dass Sie unseren Newsletter möchten"
    assert welcome["Subject"] == "Sie bekommen unseren Newsletter"
    assert '<html lang="de">' in text_of(welcome, "html")


async def test_an_older_link_ends_with_a_newer_one_and_all_after_two_days(
    live_client: httpx.AsyncClient, work: Work, post_office: PostOffice, change: Change
) -> None:
    tokens = []
    for _ in range(2):
        await live_client.post(ASKED, json={"email": "ada@example.com"})
        await work()
        tokens.append(token_of(post_office.messages[-1], "/newsletter/confirm"))
    outdated = await live_client.post(f"{API}/confirm", json={"token": tokens[0]})
    assert outdated.json()["code"] == "invalid-one-time-token"
    await change("UPDATE opt_in_tokens SET expires_at = now() - interval '1 second'")
    expired = await live_client.post(f"{API}/confirm", json={"token": tokens[1]})
    assert expired.json()["code"] == "invalid-one-time-token"


async def test_of_confirmations_at_once_one_subscribes(
    live_client: httpx.AsyncClient, work: Work, post_office: PostOffice, ask: Ask
) -> None:
    await live_client.post(ASKED, json={"email": "ada@example.com"})
    await work()
    token = token_of(post_office.messages[0], "/newsletter/confirm")
    answers = await asyncio.gather(
        *(live_client.post(f"{API}/confirm", json={"token": token}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400, 400]
    assert await ask("SELECT count(*) FROM outbox_events WHERE type = 'new-subscription'") == 1


async def test_of_requests_at_once_for_one_address_there_is_one_row(
    live_client: httpx.AsyncClient, ask: Ask
) -> None:
    emails = ["ada@example.com", "Ada@Example.com", "ADA@EXAMPLE.COM"]
    answers = await asyncio.gather(*(live_client.post(ASKED, json={"email": each}) for each in emails))
    assert {answer.status_code for answer in answers} == {202}
    assert await ask("SELECT count(*) FROM newsletter_subscriptions") == 1


async def test_who_is_logged_in_with_a_proven_address_needs_no_link(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, change: Change, work: Work, post_office: PostOffice
) -> None:
    ada = await live_sign_up(username="ada")
    await change("UPDATE users SET is_verified = true")
    answer = await live_client.post(ASKED, json={"email": "ada@example.com"}, headers=ada.headers)
    assert answer.status_code == 202
    await work()
    [mail] = post_office.messages
    assert mail["Subject"] == "You get our newsletter"
    assert (await profile_of(live_client, ada))["newsletter"] is True


async def test_an_address_that_is_not_proven_to_be_the_callers_needs_a_link(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, change: Change, work: Work, post_office: PostOffice
) -> None:
    ada = await live_sign_up(username="ada")
    await live_client.post(ASKED, json={"email": "ada@example.com"}, headers=ada.headers)
    await change("UPDATE users SET is_verified = true")
    await live_client.post(ASKED, json={"email": "eve@example.com"}, headers=ada.headers)
    await work()
    subjects = {mail["To"]: mail["Subject"] for mail in post_office.messages}
    asked = "Please confirm that you want our newsletter"
    assert subjects == {"ada@example.com": asked, "eve@example.com": asked}


async def test_the_profile_says_the_same_as_the_list(
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    change: Change,
    work: Work,
    ask: Ask,
    post_office: PostOffice,
) -> None:
    ada = await live_sign_up(username="ada")
    await change("UPDATE users SET is_verified = true")
    state = "SELECT state FROM newsletter_subscriptions"
    await live_client.patch("/api/v1/users/me", json={"newsletter": True}, headers=ada.headers)
    await work()
    assert await ask(state) == "confirmed"
    await live_client.patch("/api/v1/users/me", json={"newsletter": False}, headers=ada.headers)
    await work()
    assert await ask(state) == "unsubscribed"
    await live_client.patch("/api/v1/users/me", json={"newsletter": True}, headers=ada.headers)
    await work()
    assert await ask(state) == "confirmed"
    token = token_of(post_office.messages[-1], "/newsletter/unsubscribe")
    before = await profile_of(live_client, ada)
    await live_client.post(f"{API}/unsubscribe", params={"token": token})
    after = await profile_of(live_client, ada)
    assert (before["newsletter"], after["newsletter"]) == (True, False)
    assert after["version"] == before["version"] + 1


async def test_a_wish_of_the_profile_waits_until_the_address_is_proven(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, work: Work, ask: Ask, post_office: PostOffice
) -> None:
    ada = await live_sign_up(username="ada")
    await live_client.patch("/api/v1/users/me", json={"newsletter": True}, headers=ada.headers)
    await work()
    assert await ask("SELECT count(*) FROM newsletter_subscriptions") == 0
    await live_client.post("/api/v1/auth/verify-email/request", json={"email": "ada@example.com"})
    await work()
    token = token_of(post_office.messages[0], "/verify-email")
    assert (await live_client.post("/api/v1/auth/verify-email", json={"token": token})).status_code == 200
    await work()
    assert await ask("SELECT state FROM newsletter_subscriptions") == "confirmed"


async def test_the_newsletter_follows_to_another_address(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, change: Change, work: Work, ask: Ask
) -> None:
    ada = await live_sign_up(username="ada")
    await change("UPDATE users SET is_verified = true")
    await live_client.patch("/api/v1/users/me", json={"newsletter": True}, headers=ada.headers)
    await work()
    await change("UPDATE users SET email = 'new@example.com', email_key = 'new@example.com'")
    await change(
        "INSERT INTO outbox_events (type, payload) SELECT 'user.email_changed',"
        " jsonb_build_object('user_id', id, 'old_email', 'ada@example.com') FROM users"
    )
    await work()
    assert (
        await ask("SELECT string_agg(email || ' ' || state, ', ' ORDER BY id) FROM newsletter_subscriptions")
        == "ada@example.com unsubscribed, new@example.com confirmed"
    )


async def test_an_account_that_is_erased_takes_its_subscription_along(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, subscribed: Subscribed, change: Change, ask: Ask
) -> None:
    ada = await live_sign_up(username="ada")
    await change("UPDATE users SET is_verified = true")
    await subscribed()
    assert (await profile_of(live_client, ada))["newsletter"] is True
    await change("DELETE FROM users")
    assert await ask("SELECT count(*) FROM newsletter_subscriptions") == 0


async def test_what_nobody_confirmed_is_deleted_after_two_days(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    await client.post(ASKED, json={"email": "ada@example.com"})
    assert await purge_newsletter(session) == 0
    await age(session, timedelta(hours=49))
    assert await purge_newsletter(session) == 1


async def age(session: AsyncSession, by: timedelta) -> None:
    from_sql = "UPDATE newsletter_subscriptions SET requested_at = requested_at - $1::interval"
    connection = await session.connection()
    await connection.exec_driver_sql(from_sql, (by,))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": ""},
        {"email": "no address"},
        {"email": None},
        {"email": "a" * 300 + "@example.com"},
        {"email": "a\x00@example.com"},
        {"email": "ada@example.com", "state": "confirmed"},
    ],
)
async def test_what_is_no_address_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await client.post(ASKED, json=body)).status_code == 422


@pytest.mark.parametrize("token", ["x" * 43, "ü" * 43, "n3nFqpHaOXn1S5H0kQJ3mU1bVOr9gJkP8aUeYl0cYdE"])
async def test_a_token_that_is_not_ours_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post(f"{API}/confirm", json={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-one-time-token")


async def test_staff_hear_of_subscribers_by_the_feed(
    client: httpx.AsyncClient, sign_up: SignUp, session: AsyncSession
) -> None:
    ada = await sign_up(username="ada")
    await (await session.connection()).exec_driver_sql("UPDATE users SET is_verified = true")
    await client.post(ASKED, json={"email": "ada@example.com"}, headers=ada.headers)
    [event] = await events_of(session, "new-subscription")
    assert (event["username"], event["monthly_fee"]) == ("ada", "0.00")
    told = envelope(FeedEvent(7, 7, "new-subscription", "subscription:1", ada.id, event, utc_now()))
    assert told is not None
    assert told.data == {"username": "ada", "monthly_fee": 0.0, "start_date": IsStr()}
    assert PUBLIC_EVENTS["new-subscription"].audience is Audience.STAFF


async def profile_of(client: httpx.AsyncClient, caller: Caller) -> dict[str, Any]:
    answer = await client.get("/api/v1/users/me", headers=caller.headers)
    profile: dict[str, Any] = answer.json()
    return profile
