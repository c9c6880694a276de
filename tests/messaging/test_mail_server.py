"""What becomes of a mail when the mail server says no, says nothing, or is away."""

import asyncio
from email.message import EmailMessage
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.settings.settings import Settings, SettingsError
from app.identity.events import PasswordChanged
from app.worker import Worker
from tests.conftest import SignUp
from tests.messaging.conftest import Mailed
from tests.worker.conftest import Ask, Change, Publish, RunningWorker, all_done
from tests.worker.post_office import ACCEPTED, PostOffice, open_post_office


async def test_a_server_that_is_busy_is_asked_again(
    mailed: Mailed, post_office: PostOffice, ask: Ask
) -> None:
    async def be_busy_once(_message: EmailMessage) -> str:
        return "451 busy" if post_office.seen == 1 else ACCEPTED

    post_office.answer = be_busy_once
    assert len(await mailed(PasswordChanged(1))) == 1
    assert post_office.seen == 2
    assert await ask("SELECT attempts FROM outbox_events WHERE type = 'mail.queued'") == 2


async def test_a_refusal_for_good_is_a_dead_letter_at_once(
    mailed: Mailed, post_office: PostOffice, ask: Ask
) -> None:
    post_office.refused = "550 no such mailbox"
    assert await mailed(PasswordChanged(1)) == []
    assert "550 no such mailbox" in await ask("SELECT error FROM dead_letters")
    assert await ask("SELECT state FROM mail_log") == "refused"


async def test_a_server_that_takes_the_mail_and_says_nothing_is_not_sent_it_again(
    mailed: Mailed, post_office: PostOffice, ask: Ask
) -> None:
    async def say_nothing(_message: EmailMessage) -> str:
        await asyncio.sleep(60)
        return ACCEPTED

    post_office.answer = say_nothing
    await mailed(PasswordChanged(1))
    assert post_office.seen == 1
    assert "not sent again" in await ask("SELECT error FROM dead_letters")


async def test_a_server_that_was_away_gets_the_mail_when_it_is_back(
    live_sign_up: SignUp,
    tell: Publish,
    ask: Ask,
    running_worker: RunningWorker,
    worker_settings: Settings,
) -> None:
    user = await live_sign_up()
    async with open_post_office() as office:
        port = office.port
    away = worker_settings.mail.model_copy(update={"url": SecretStr(f"smtp://127.0.0.1:{port}")})
    async with running_worker(worker_settings.model_copy(update={"mail": away})):
        await tell(PasswordChanged(user.id))
        await asyncio.sleep(1)
        assert await ask("SELECT state FROM mail_log") == "queued"
        async with open_post_office(port) as back:
            await back.receives(within=10)
            await all_done(ask)


async def test_addresses_beyond_ascii_are_mailed(mailed: Mailed, change: Change) -> None:
    await change("UPDATE users SET email = 'björk@exämple.com'")
    [mail] = await mailed(PasswordChanged(1))
    assert mail["To"] == "björk@exämple.com"


async def test_files_are_written_once_however_often_they_are_sent(
    mailed: Mailed,
    ask: Ask,
    change: Change,
    running_worker: RunningWorker,
    worker_settings: Settings,
    tmp_path: Path,
) -> None:
    await mailed(PasswordChanged(1))
    folder = worker_settings.mail.model_copy(update={"url": SecretStr((tmp_path / "a b").as_uri())})
    settings = worker_settings.model_copy(update={"mail": folder, "environment": "development"})
    for _ in range(2):
        await change("UPDATE mail_log SET state = 'queued'")
        await change("UPDATE outbox_events SET done_at = NULL, available_at = now(), locked_until = now()")
        async with running_worker(settings):
            await all_done(ask)
    [only] = (tmp_path / "a b").iterdir()
    assert b"Your password was changed" in only.read_bytes()


async def test_without_a_place_for_mails_the_worker_says_so(worker_settings: Settings) -> None:
    for url in (None, SecretStr("file:///var/mail")):
        mail = worker_settings.mail.model_copy(update={"url": url})
        with pytest.raises(SettingsError, match="MAIL_URL"):
            Worker(worker_settings.model_copy(update={"mail": mail}))
