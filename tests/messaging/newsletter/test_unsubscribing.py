"""Leaving by one click (RFC 8058)."""

import asyncio
import re

import httpx
import pytest

from app.core.clock import utc_now
from app.core.mail import Mail, mail_bytes
from app.core.settings.groups import JwtSettings
from app.messaging.email.lists import MailList, unsubscribe_token, unsubscribed_target
from tests.conftest import JWT_SECRET, SignUp
from tests.messaging.newsletter.conftest import API, ASKED, Subscribed
from tests.messaging.newsletter.test_double_opt_in import Work
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import PostOffice, token_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def test_mails_say_how_programs_and_people_leave(
    live_client: httpx.AsyncClient, subscribed: Subscribed, ask: Ask
) -> None:
    mail = await subscribed()
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    header = mail["List-Unsubscribe"]
    found = re.fullmatch(r"<https://shop\.example\.com(/api/v1/newsletter/unsubscribe\?token=\S+)>", header)
    assert found, header
    assert token_of(mail, "/newsletter/unsubscribe") in found[1]
    shown = await live_client.get(found[1])
    # For programs that know no one click, and open what the header names.
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert await ask("SELECT state FROM newsletter_subscriptions") == "confirmed"
    for _ in range(2):
        answer = await live_client.post(found[1], data=ONE_CLICK)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "set-cookie" not in answer.headers
        assert await ask("SELECT state FROM newsletter_subscriptions") == "unsubscribed"


async def test_other_forms_of_the_body_end_it_as_well(
    live_client: httpx.AsyncClient, subscribed: Subscribed, ask: Ask
) -> None:
    token = token_of(await subscribed(), "/newsletter/unsubscribe")
    answer = await live_client.post(
        f"{API}/unsubscribe", params={"token": token}, files={"List-Unsubscribe": (None, "One-Click")}
    )
    assert answer.status_code == 204
    assert await ask("SELECT state FROM newsletter_subscriptions") == "unsubscribed"


async def test_pages_change_nothing_and_leak_nothing(
    live_client: httpx.AsyncClient, subscribed: Subscribed, ask: Ask
) -> None:
    token = token_of(await subscribed(), "/newsletter/unsubscribe")
    for page in ("/newsletter/unsubscribe", "/newsletter/confirm"):
        shown = await live_client.get(page, params={"token": token})
        assert shown.status_code == 200
        assert shown.headers["referrer-policy"] == "no-referrer"
        assert token not in shown.text
    assert await ask("SELECT state FROM newsletter_subscriptions") == "confirmed"


async def test_who_left_and_comes_back_confirms_anew(
    live_client: httpx.AsyncClient, subscribed: Subscribed, work: Work, post_office: PostOffice, ask: Ask
) -> None:
    token = token_of(await subscribed(), "/newsletter/unsubscribe")
    await live_client.post(ASKED, json={"email": "ada@example.com"})
    await work()
    await live_client.post(f"{API}/unsubscribe", params={"token": token})
    await live_client.post(ASKED, json={"email": "ada@example.com"})
    await work()
    # Leaving again ends the link that is under way, so that nobody is put back by an old mail.
    await live_client.post(f"{API}/unsubscribe", params={"token": token})
    stale = token_of(post_office.messages[-1], "/newsletter/confirm")
    assert (await live_client.post(f"{API}/confirm", json={"token": stale})).status_code == 400
    assert (await subscribed())["Subject"] == "You get our newsletter"
    assert await ask("SELECT state FROM newsletter_subscriptions") == "confirmed"


async def test_what_waits_to_be_sent_is_dropped(
    live_client: httpx.AsyncClient, subscribed: Subscribed, work: Work, post_office: PostOffice, ask: Ask
) -> None:
    token = token_of(await subscribed(), "/newsletter/unsubscribe")
    await live_client.post(f"{API}/unsubscribe", params={"token": token})
    await live_client.post(ASKED, json={"email": "ada@example.com"})
    await work()
    confirm = token_of(post_office.messages[-1], "/newsletter/confirm")
    await live_client.post(f"{API}/confirm", json={"token": confirm})
    await live_client.post(f"{API}/unsubscribe", params={"token": token})
    before = len(post_office.messages)
    await work()
    assert len(post_office.messages) == before
    assert not await ask("SELECT count(*) FROM mail_log WHERE state = 'queued'")


async def test_whatever_is_done_to_a_subscription_at_once_ends_in_one_state(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, change: Change, subscribed: Subscribed, ask: Ask
) -> None:
    ada = await live_sign_up(username="ada")
    await change("UPDATE users SET is_verified = true")
    token = token_of(await subscribed(), "/newsletter/unsubscribe")
    for _ in range(3):
        answers = await asyncio.gather(
            *(live_client.post(f"{API}/unsubscribe", params={"token": token}) for _ in range(3)),
            *(
                live_client.post(ASKED, json={"email": "ada@example.com"}, headers=ada.headers)
                for _ in range(3)
            ),
            *(live_client.post(ASKED, json={"email": "ADA@example.com"}) for _ in range(2)),
        )
        assert {answer.status_code for answer in answers} == {202, 204}
    await live_client.post(f"{API}/unsubscribe", params={"token": token})
    assert await ask("SELECT state FROM newsletter_subscriptions") == "unsubscribed"
    assert await ask("SELECT newsletter FROM users") is False


def test_the_header_goes_over_the_wire_as_it_is() -> None:
    # No program decodes words in this header, and the library would write a long one in a code.
    url = f"<https://shop.example.com/api/v1/newsletter/unsubscribe?token=1234567.{'x' * 24}>"
    mail = Mail("<1@shop>", "ada@example.com", "S", "T", "H", utc_now(), (("List-Unsubscribe", url),))
    assert f"List-Unsubscribe: {url}\r\n".encode() in mail_bytes(mail, "shop@example.com")


SETTINGS = JwtSettings.model_validate({"secret": JWT_SECRET})


@pytest.mark.parametrize(
    "token", ["", "7", "7.", ".", "-1.x", "٧.x", "9" * 40 + ".x", "x" * 200, "7.ü", "07"]
)
async def test_a_token_that_is_not_ours_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post(f"{API}/unsubscribe", params={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-unsubscribe-token")


async def test_a_token_is_good_for_one_list_and_one_subscription() -> None:
    token = unsubscribe_token(SETTINGS, MailList.NEWSLETTER, 7)
    assert unsubscribed_target(SETTINGS, MailList.NEWSLETTER, token) == 7
    assert unsubscribed_target(SETTINGS, MailList.ALERT, token) is None
    for other in (token.replace("7.", "8."), f"0{token}", token[:-1], f" {token}"):
        assert unsubscribed_target(SETTINGS, MailList.NEWSLETTER, other) is None


async def test_a_token_of_a_subscription_that_is_gone_is_answered_all_the_same(
    client: httpx.AsyncClient,
) -> None:
    token = unsubscribe_token(SETTINGS, MailList.NEWSLETTER, 999_999)
    assert (await client.post(f"{API}/unsubscribe", params={"token": token})).status_code == 204
