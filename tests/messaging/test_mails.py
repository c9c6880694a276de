"""Each event's mail, as a real SMTP server receives it."""

import re

import httpx
import pytest
from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Event, OutboxEvent
from app.identity.events import (
    ApiKeyMade,
    CredentialsEnded,
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    NewDevice,
    PasswordChanged,
    PasswordResetRequested,
    SecondFactorChanged,
    TokenReused,
    UserRegistered,
)
from app.messaging.email.events import MailQueued
from app.messaging.email.repository import MailRepository
from app.messaging.email.templates import Template
from tests.conftest import PASSWORD
from tests.messaging.conftest import Mailed
from tests.worker.conftest import Ask, Change, RunningWorker, all_done
from tests.worker.post_office import PostOffice, text_of

LINK = r"https://shop\.example\.com/([\w-]+)\?token=([\w-]{43})"
OWN = "ada@example.com"


async def test_who_registers_is_welcomed_with_a_link_that_proves_the_address(
    live_client: httpx.AsyncClient, running_worker: RunningWorker, post_office: PostOffice, ask: Ask
) -> None:
    account = {"username": "ada", "email": OWN, "password": PASSWORD}
    async with running_worker():
        assert (await live_client.post("/api/v1/users/register", json=account)).status_code == 201
        [mail] = await post_office.receives()
        await all_done(ask)
    assert (mail["From"], mail["To"]) == ("Shop <shop@example.com>", OWN)
    assert mail["Subject"] == "Welcome to the bookstore"
    assert mail["Auto-Submitted"] == "auto-generated"
    found = re.search(LINK, text_of(mail))
    assert found
    assert found[1] == "verify-email"
    assert found[2] in text_of(mail, "html")
    assert await ask("SELECT state FROM mail_log") == "sent"
    assert not await ask(
        "SELECT count(*) FROM outbox_events WHERE payload::text LIKE :it", it=f"%{found[2]}%"
    )


@pytest.mark.parametrize(
    "case",
    [
        (EmailVerificationRequested(1), OWN, "Please confirm your e-mail address", "verify-email"),
        (PasswordResetRequested(1), OWN, "Choose a new password", "reset-password"),
        (
            EmailChangeRequested(1, "new@example.com"),
            "new@example.com",
            "Please confirm your new e-mail address",
            "verify-email",
        ),
        (EmailChanged(1, "old@example.com"), "old@example.com", "Your e-mail address was changed", None),
        (PasswordChanged(1), OWN, "Your password was changed", None),
        (NewDevice(1, "Firefox <b>", "192.0.2.1"), OWN, "A new device logged in to your account", None),
        (
            TokenReused(1, "Firefox <b>", "192.0.2.1"),
            OWN,
            "Security alarm: we ended a session of your account",
            None,
        ),
        (SecondFactorChanged(1, "passkey_added"), OWN, "The protection of your account was changed", None),
        (
            EmailChangeRequested(1, "new@example.com"),
            OWN,
            "Somebody wants another e-mail address for your account",
            "stop-email-change",
        ),
        (CredentialsEnded(1, "passkeys"), OWN, "Some of your keys and factors ended", None),
        (ApiKeyMade(1, "till", "bk_1…"), OWN, "A new API key for your account", None),
    ],
    ids=lambda case: f"{case[0].type} to {case[1]}",
)
async def test_every_event_has_its_mail_in_text_and_html(
    case: tuple[Event, str, str, str | None], mailed: Mailed
) -> None:
    event, recipient, subject, path = case
    mail = next(mail for mail in await mailed(event) if mail["To"] == recipient)
    assert (mail["To"], mail["Subject"]) == (recipient, subject)
    plain, html = text_of(mail), text_of(mail, "html")
    found = re.search(LINK, plain)
    assert (found[1] if found else None) == path, plain
    assert "Hello ada," in plain
    assert "Hello ada," in html
    if hasattr(event, "device"):
        assert "Firefox <b>" in plain
        assert "Firefox &lt;b&gt;" in html
        assert "<b>" not in html
        assert "192.0.2.1" in plain


async def test_a_verified_account_is_welcomed_without_a_link(mailed: Mailed, change: Change) -> None:
    await change("UPDATE users SET is_verified = true")
    [mail] = await mailed(UserRegistered(1))
    assert "token=" not in mail.as_string()
    assert "Your account ada is open." in text_of(mail)


@pytest.mark.parametrize(
    ("statement", "event"),
    [
        ("UPDATE users SET is_verified = true", EmailVerificationRequested(1)),
        ("UPDATE users SET is_active = false", PasswordResetRequested(1)),
        ("DELETE FROM users", PasswordChanged(1)),
    ],
)
async def test_mail_that_has_become_pointless_is_not_sent(
    statement: str, event: Event, mailed: Mailed, change: Change
) -> None:
    await change(statement)
    assert await mailed(event) == []


async def test_an_event_that_comes_twice_is_mailed_once(mailed: Mailed, change: Change) -> None:
    assert len(await mailed(PasswordChanged(1))) == 1
    await change("UPDATE outbox_events SET done_at = NULL, available_at = now(), locked_until = now()")
    assert len(await mailed(None)) == 1


async def test_attempts_at_the_same_mail_bear_the_same_message_id(mailed: Mailed, change: Change) -> None:
    [first] = await mailed(PasswordChanged(1))
    await change("UPDATE mail_log SET state = 'queued'")
    await change("UPDATE outbox_events SET done_at = NULL, available_at = now(), locked_until = now()")
    first, second = await mailed(None)
    assert first["Message-ID"] == second["Message-ID"]


async def test_a_person_is_named_only_at_an_address_that_is_proven(mailed: Mailed, change: Change) -> None:
    await change("UPDATE users SET first_name = 'Win at evil.example/x', is_verified = false")
    [mail] = await mailed(PasswordResetRequested(1))
    assert "Hello ada," in text_of(mail)
    assert "evil" not in mail.as_string() + text_of(mail, "html")
    await change("UPDATE users SET first_name = 'Ada', is_verified = true")
    named = [
        mail for mail in await mailed(EmailChangeRequested(1, "new@example.com")) if "link" in text_of(mail)
    ]
    greetings = {
        (mail["To"], text_of(mail).split(",")[0], "Hello Ada," in text_of(mail, "html")) for mail in named
    }
    assert {(OWN, "Hello Ada", True), ("new@example.com", "Hello ada", False)} <= greetings


@pytest.mark.parametrize(
    "event",
    [
        ApiKeyMade(1, "see evil.example/x or https://evil.example/y", "bk_1…"),
        NewDevice(1, "Win at www.evil.example and HTTP://evil。example", "192.0.2.1"),
        TokenReused(1, "www.evil．example", "192.0.2.1"),
        EmailChangeRequested(1, "www.evil@evil.example"),
    ],
    ids=lambda event: event.type,
)
async def test_what_a_stranger_wrote_becomes_no_link(event: Event, mailed: Mailed, change: Change) -> None:
    await change("UPDATE users SET first_name = 'evil.example', is_verified = true")
    for mail in await mailed(event):
        for part in (text_of(mail), text_of(mail, "html")):
            for linked in (r"evil[.。．]\w", r"www[.]\w", r"://\W*(www|evil)", r'href="[^"]*evil'):
                assert re.search(linked, part, re.IGNORECASE) is None, part


async def test_one_restock_may_reach_more_than_a_statement_takes_arguments(session: AsyncSession) -> None:
    number = func.generate_series(1, 33_000).column_valued("number")
    mails = select(
        literal(1).label("event_id"),
        literal(Template.BACK_IN_STOCK.value).label("template"),
        func.concat("reader", number, "@example.com").label("recipient"),
        func.jsonb_build_object().label("details"),
    )
    assert len(await MailRepository(session).add_all(mails)) == 33_000
    queued = select(func.count()).where(OutboxEvent.type == MailQueued.type)
    assert await session.scalar(queued) == 33_000
