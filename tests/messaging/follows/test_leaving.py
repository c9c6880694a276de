"""Digests are left by one click (RFC 8058)."""

import asyncio
import re
from email.message import EmailMessage

import httpx
import pytest

from app.core.settings.groups import JwtSettings
from app.messaging.email.lists import MailList, unsubscribe_token
from tests.conftest import JWT_SECRET, Caller, SignUp
from tests.factories import an_item
from tests.messaging.follows.conftest import Told
from tests.messaging.follows.test_telling import follow, notifications
from tests.worker.conftest import Ask, Change
from tests.worker.post_office import token_of

API = "/api/v1/follows/unsubscribe"
PREFERENCES = "/api/v1/users/me/notification-preferences"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
SETTINGS = JwtSettings.model_validate({"secret": JWT_SECRET})


async def mails_about_news(client: httpx.AsyncClient, owner: Caller) -> bool:
    answer = await client.get(PREFERENCES, headers=owner.headers)
    return bool(answer.json()["choices"]["news"]["mail"])


def one_click_of(mail: EmailMessage) -> str:
    """The address that a mail program posts to, without the host."""
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(r"<https://shop\.example\.com(/api/v1/\S+)>", mail["List-Unsubscribe"])
    assert found, mail["List-Unsubscribe"]
    return found[1]


async def test_one_click_ends_the_mails_and_leaves_the_rest(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, told: Told
) -> None:
    seller, bob, eve = [await live_sign_up() for _ in range(3)]
    for follower in (bob, eve):
        await follow(live_client, follower, "sellers", seller.id)
    await an_item(live_client, seller, "Pen")
    mails = {mail["To"]: mail for mail in await told()}
    mail = mails[f"{bob.username}@example.com"]
    path = one_click_of(mail)
    assert path.startswith(f"{API}?token=")
    assert token_of(mail, "/follows/unsubscribe") in path
    # Programs that follow links change nothing.
    for page in (path, path.removeprefix("/api/v1")):
        shown = await live_client.get(page)
        assert (shown.status_code, shown.headers["referrer-policy"]) == (200, "no-referrer")
        assert path.partition("=")[2] not in shown.text
    assert await mails_about_news(live_client, bob) is True
    for _ in range(2):
        answer = await live_client.post(path, data=ONE_CLICK)
        assert (answer.status_code, answer.content) == (204, b"")
        assert "set-cookie" not in answer.headers
    assert await mails_about_news(live_client, bob) is False
    assert await mails_about_news(live_client, eve) is True
    await an_item(live_client, seller, "Ink")
    assert [each["To"] for each in (await told())[2:]] == [f"{eve.username}@example.com"]
    assert len(await notifications(live_client, bob)) == 2


async def test_a_mail_that_waits_is_not_sent_any_more(
    live_client: httpx.AsyncClient,
    live_sign_up: SignUp,
    told: Told,
    ask: Ask,
    change: Change,
) -> None:
    seller, bob = await live_sign_up(), await live_sign_up()
    await follow(live_client, bob, "sellers", seller.id)
    await an_item(live_client, seller, "Pen")
    await told()
    await change("UPDATE mail_log SET state = 'queued'")
    await change(
        "UPDATE outbox_events SET done_at = NULL, available_at = now(), locked_until = now()"
        " WHERE type = 'mail.queued'"
    )
    token = unsubscribe_token(SETTINGS, MailList.FOLLOWS, bob.id)
    assert (await live_client.post(API, params={"token": token})).status_code == 204
    assert len(await told()) == 1
    assert await ask("SELECT state FROM mail_log") == "dropped"


async def test_the_account_turns_them_on_again(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    ada = await live_sign_up()
    token = unsubscribe_token(SETTINGS, MailList.FOLLOWS, ada.id)
    stale = (await live_client.get(PREFERENCES, headers=ada.headers)).headers["etag"]
    answers = await asyncio.gather(*(live_client.post(API, params={"token": token}) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {204}
    body = {"choices": {"news": {"mail": True}}}
    late = await live_client.put(PREFERENCES, json=body, headers={**ada.headers, "If-Match": stale})
    assert late.status_code == 412
    assert (await live_client.put(PREFERENCES, json=body, headers=ada.headers)).status_code == 200
    assert await mails_about_news(live_client, ada) is True


@pytest.mark.parametrize("token", ["", "7", "7.", "-1.x", "٧.x", "9" * 40 + ".x", "x" * 200, "07"])
async def test_a_token_that_is_not_ours_is_refused(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.post(API, params={"token": token})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-unsubscribe-token")


async def test_a_token_of_another_list_or_account_is_refused(
    client: httpx.AsyncClient, sign_up: SignUp
) -> None:
    ada, eve = await sign_up(), await sign_up()
    theirs = unsubscribe_token(SETTINGS, MailList.FOLLOWS, eve.id).replace(f"{eve.id}.", f"{ada.id}.", 1)
    for token in (theirs, unsubscribe_token(SETTINGS, MailList.ALERT, ada.id)):
        assert (await client.post(API, params={"token": token})).status_code == 400
    assert await mails_about_news(client, ada) is True


async def test_an_account_that_is_gone_is_answered_all_the_same(client: httpx.AsyncClient) -> None:
    token = unsubscribe_token(SETTINGS, MailList.FOLLOWS, 999_999)
    assert (await client.post(API, params={"token": token})).status_code == 204
