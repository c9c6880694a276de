"""Mails in the reader's language."""

import json

import httpx
import pytest

from app.core.languages import preferred
from app.core.settings.settings import Settings
from app.identity.credentials.service import MAILED
from app.identity.events import PasswordChanged
from app.messaging.email.languages import FOLDER, LANGUAGES
from app.messaging.email.samples import sample
from app.messaging.email.templates import Template
from tests.conftest import PASSWORD
from tests.messaging.conftest import Mailed
from tests.messaging.test_preview import get
from tests.messaging.test_preview import settings as settings
from tests.worker.conftest import Ask, Change, RunningWorker, all_done
from tests.worker.post_office import PostOffice, text_of


@pytest.mark.parametrize(
    ("header", "greeting"),
    [
        ("de-AT, en;q=0.5", "Hallo ada,"),
        ("fr, de;q=0.8, en;q=0.2", "Hallo ada,"),
        ("en;q=0.1, de;q=0", "Hello ada,"),
        ("de;Q=0, en", "Hello ada,"),
        ("xx", "Hello ada,"),
        ("*;q=oops, ../../etc, " + "a" * 4000, "Hello ada,"),
    ],
)
async def test_who_registers_is_written_to_in_the_language_of_the_browser(
    header: str,
    greeting: str,
    live_client: httpx.AsyncClient,
    running_worker: RunningWorker,
    post_office: PostOffice,
    ask: Ask,
) -> None:
    account = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    async with running_worker():
        answer = await live_client.post(
            "/api/v1/users/register", json=account, headers={"Accept-Language": header}
        )
        assert answer.status_code == 201
        [mail] = await post_office.receives()
        await all_done(ask)
    is_german = greeting.startswith("Hallo")
    assert mail["Subject"] == ("Willkommen in der Buchhandlung" if is_german else "Welcome to the bookstore")
    assert greeting in text_of(mail)
    assert greeting in text_of(mail, "html")
    assert answer.json()["language"] == preferred(header)


async def test_a_language_asked_for_in_the_form_goes_before_the_browsers(client: httpx.AsyncClient) -> None:
    account = {"username": "ada", "email": "ada@example.com", "password": PASSWORD, "language": "de"}
    answer = await client.post("/api/v1/users/register", json=account, headers={"Accept-Language": "en"})
    assert answer.json()["language"] == "de"


@pytest.mark.parametrize("language", ["", "d", "de_DE", "../en", "deutsch-", "de-" + "x" * 40])
async def test_what_is_no_language_is_refused(client: httpx.AsyncClient, language: str) -> None:
    account = {"username": "ada", "email": "ada@example.com", "password": PASSWORD, "language": language}
    assert (await client.post("/api/v1/users/register", json=account)).status_code == 422


@pytest.mark.parametrize(
    ("language", "subject"),
    [
        ("de-CH", "Ihr Passwort wurde geändert"),
        ("DE", "Ihr Passwort wurde geändert"),
        ("sv", "Your password was changed"),
    ],
)
async def test_the_profiles_language_decides(
    language: str, subject: str, mailed: Mailed, change: Change
) -> None:
    await change(f"UPDATE users SET language = '{language}'")  # noqa: S608 (the test's own word)
    [mail] = await mailed(PasswordChanged(1))
    assert mail["Subject"] == subject


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("template", list(Template))
def test_every_mail_is_there_in_every_language(template: Template, language: str) -> None:
    subjects = json.loads((FOLDER / language / "words.json").read_text(encoding="utf-8"))["subjects"]
    mail = sample(template, language)
    assert mail.subject == subjects[template]
    assert f'<html lang="{language}">' in mail.html
    assert mail.text.strip()


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_what_ended_is_named_in_every_language(language: str) -> None:
    words = json.loads((FOLDER / language / "words.json").read_text(encoding="utf-8"))["words"]
    assert {credential.value for credential in MAILED} <= words.keys()


async def test_development_shows_every_template_in_every_language(settings: Settings) -> None:
    development = settings.model_copy(update={"environment": "development"})
    listed = await get(development, "/dev/mail-templates")
    for template in Template:
        for language in LANGUAGES:
            assert f'href="/dev/mail-templates/{template}/{language}"' in listed.text
    shown = await get(development, "/dev/mail-templates/order_paid/de")
    assert "Ihre Bestellung ist bezahlt" in shown.text
    assert "<iframe sandbox=" in shown.text
    for wrong in ("order_paid/xx", "nothing/de", "..%2Fen/de"):
        assert (await get(development, f"/dev/mail-templates/{wrong}")).status_code == 404
    assert (await get(settings, "/dev/mail-templates")).status_code == 404
