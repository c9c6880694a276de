"""Addresses whose mail bounces, whose readers complain, or that staff took off."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.core.settings.settings import SettingsError, load_settings
from app.identity.events import EmailVerificationRequested, PasswordChanged, PasswordResetRequested
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Audit, SignUp, client_of, running_app, settings_for
from tests.messaging.conftest import Mailed
from tests.messaging.newsletter.conftest import ASKED
from tests.worker.conftest import Ask, Change, RunningWorker, all_done
from tests.worker.post_office import PostOffice

BOUNCES = "/api/v1/mail/bounces"
SUPPRESSIONS = "/api/v1/admin/mail-suppressions"
SECRET = "shared-with-the-provider"
ADA = "ada@example.com"


@pytest.mark.parametrize(
    ("refusal", "is_bounce"),
    [
        ("550 no such mailbox", True),
        ("551 user not local", True),
        ("550 5.1.1 unknown", True),
        ("553 5.1.10 null MX", True),
        ("550 5.2.1 disabled", True),
        ("550 5.7.1 we do not like your address", False),
        ("550 5.2.2 mailbox full", False),
        ("553 relaying denied", False),
        ("554 no", False),
    ],
)
async def test_a_mailbox_that_is_not_there_gets_no_more(
    refusal: str, is_bounce: bool, mailed: Mailed, post_office: PostOffice, ask: Ask
) -> None:
    post_office.refused = refusal
    assert await mailed(PasswordChanged(1)) == []
    assert await ask("SELECT state FROM mail_log") == "refused"
    assert await ask("SELECT count(*) FROM mail_suppressions") == int(is_bounce)
    post_office.refused = None
    assert len(await mailed(PasswordChanged(1))) == int(not is_bounce)
    if is_bounce:
        assert await ask("SELECT detail FROM mail_suppressions") == refusal
        assert await ask("SELECT string_agg(state, ' ' ORDER BY id) FROM mail_log") == "refused dropped"


async def test_a_refusal_of_the_content_suppresses_nobody(
    mailed: Mailed, post_office: PostOffice, ask: Ask
) -> None:
    async def dislike(_message: object) -> str:
        return "550 5.1.1 the content looks like spam"

    post_office.answer = dislike
    await mailed(PasswordChanged(1))
    assert await ask("SELECT count(*) FROM mail_suppressions") == 0


@pytest.mark.parametrize(
    ("reason", "subjects"),
    [
        ("hard_bounce", {"Please confirm your e-mail address"}),
        (
            "complaint",
            {"Please confirm your e-mail address", "Choose a new password", "Your password was changed"},
        ),
        (
            "manual",
            {"Please confirm your e-mail address", "Choose a new password", "Your password was changed"},
        ),
    ],
)
async def test_what_still_goes_to_a_suppressed_address(
    reason: str,
    subjects: set[str],
    mailed: Mailed,
    change: Change,
    live_client: httpx.AsyncClient,
) -> None:
    await change(
        "INSERT INTO mail_suppressions (email, email_key, reason)"  # noqa: S608 (the test's own words)
        f" VALUES ('Ada@Example.com', 'ada@example.com', '{reason}')"
    )
    assert (await live_client.post(ASKED, json={"email": ADA})).status_code == 202
    await mailed(PasswordResetRequested(1))
    await mailed(EmailVerificationRequested(1))
    assert {mail["Subject"] for mail in await mailed(PasswordChanged(1))} == subjects


@pytest.fixture
async def provider(
    servers: Servers, empty_database_url: str
) -> AsyncIterator[tuple[FastAPI, httpx.AsyncClient]]:
    """The application of a shop that shares a secret with its mail provider."""
    settings = settings_for(servers, empty_database_url, mail={"bounce_secret": SECRET})
    async with running_app(settings) as application, client_of(application) as http:
        yield application, http


async def test_providers_report_bounces_and_complaints(
    provider: tuple[FastAPI, httpx.AsyncClient], live_sign_up: SignUp, ask: Ask
) -> None:
    _, http = provider
    headers = {"X-Bounce-Secret": SECRET}
    complaint = {"email": "ADA@example.com", "type": "complaint"}
    hard = {"email": ADA, "type": "hard", "detail": "550 gone"}
    reports = [complaint, complaint, hard, complaint]
    for report in reports:
        answer = await http.post(BOUNCES, json=report, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"received": True})
    admin = await live_sign_up(Role.ADMIN)
    listed = (await http.get(SUPPRESSIONS, headers=admin.headers)).json()
    assert [(each["email"], each["reason"], each["detail"]) for each in listed["items"]] == [
        ("ADA@example.com", "hard_bounce", "550 gone")
    ]
    answers = await asyncio.gather(
        *(
            http.post(BOUNCES, json={"email": "b@example.com", "type": "hard"}, headers=headers)
            for _ in range(5)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert await ask("SELECT count(*) FROM mail_suppressions") == 2


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET.upper(), "ü"])
async def test_who_does_not_know_the_secret_is_refused(
    secret: str | None, provider: tuple[FastAPI, httpx.AsyncClient], ask: Ask
) -> None:
    _, http = provider
    headers = {} if secret is None else {b"X-Bounce-Secret": secret.encode()}
    answer = await http.post(BOUNCES, json={"email": ADA, "type": "hard"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "bounce-refused")
    assert await ask("SELECT count(*) FROM mail_suppressions") == 0


async def test_without_a_secret_nobody_is_let_in(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"X-Bounce-Secret": ""}):
        answer = await client.post(BOUNCES, json={"email": ADA, "type": "hard"}, headers=headers)
        assert answer.json()["code"] == "bounce-refused"


@pytest.mark.parametrize(
    "body",
    [{}, {"email": ADA}, {"email": ADA, "type": "soft"}, {"email": "none", "type": "hard"}],
)
async def test_what_is_no_report_is_refused(
    body: dict[str, str], provider: tuple[FastAPI, httpx.AsyncClient]
) -> None:
    _, http = provider
    answer = await http.post(BOUNCES, json=body, headers={"X-Bounce-Secret": SECRET})
    assert answer.status_code == 422


def test_a_short_secret_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="MAIL_BOUNCE_SECRET"):
        load_settings(mail={"bounce_secret": "short"}, environment="development")


async def test_staff_suppress_find_and_lift(client: httpx.AsyncClient, sign_up: SignUp, audit: Audit) -> None:
    admin = await sign_up(Role.ADMIN)
    wanted = {"email": "Björk@exämple.com", "note": "by letter"}
    made = await client.post(SUPPRESSIONS, json=wanted, headers=admin.headers)
    assert made.status_code == 201
    assert (made.json()["reason"], made.json()["detail"]) == ("manual", "by letter")
    again = await client.post(SUPPRESSIONS, json={"email": "björk@EXÄMPLE.com"}, headers=admin.headers)
    assert (again.status_code, again.json()["code"]) == (409, "already-suppressed")
    await client.post(SUPPRESSIONS, json={"email": ADA}, headers=admin.headers)
    for query, count in (
        ({"email": "BJÖRK@exämple.com"}, 1),
        ({"reason": "manual"}, 2),
        ({"reason": "complaint"}, 0),
        ({"limit": 1}, 1),
    ):
        found = await client.get(SUPPRESSIONS, params=query, headers=admin.headers)
        assert len(found.json()["items"]) == count, query
    one = f"{SUPPRESSIONS}/{made.json()['id']}"
    assert (await client.delete(one, headers=admin.headers)).status_code == 204
    gone = await client.delete(one, headers=admin.headers)
    assert (gone.status_code, gone.json()["code"]) == (404, "suppression-not-found")
    [lifted] = await audit(action="mail.suppression_lifted")
    assert made.json()["email"] in str(lifted["changes"])
    assert len(await audit(action="mail.suppressed")) == 2


async def test_a_mail_that_waits_is_not_sent_to_an_address_that_bounced_meanwhile(
    running_worker: RunningWorker,
    post_office: PostOffice,
    live_client: httpx.AsyncClient,
    change: Change,
    ask: Ask,
) -> None:
    await live_client.post(ASKED, json={"email": ADA})
    await change(
        "INSERT INTO mail_suppressions (email, email_key, reason) VALUES"
        " ('ada@example.com', 'ada@example.com', 'complaint')"
    )
    async with running_worker():
        await all_done(ask)
    assert post_office.messages == []
    assert await ask("SELECT state FROM mail_log") == "dropped"
