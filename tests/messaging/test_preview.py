"""`/dev/mail`, in development and nowhere else."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.core.mail import FileMailer, Mail
from app.core.settings.settings import Settings
from app.main import create_app
from tests.conftest import client_of

EVIL = "<script>alert(1)</script>\"'>"


@pytest.fixture
def settings(worker_settings: Settings, tmp_path: Path) -> Settings:
    mail = worker_settings.mail.model_copy(
        update={"url": type(worker_settings.jwt.secret)(tmp_path.as_uri())}
    )
    return worker_settings.model_copy(update={"mail": mail})


async def get(settings: Settings, path: str) -> httpx.Response:
    application = create_app(settings)
    try:
        async with client_of(application) as client:
            return await client.get(path)
    finally:
        await application.state.redis.aclose()
        await application.state.database.close()


async def write(folder: Path, subject: str = "Hello", html: str = "<b>Hi</b>") -> str:
    async def hand_over() -> None:
        raise AssertionError("a file has no point of no return")

    at = datetime(2026, 5, 1, tzinfo=UTC)
    mail = Mail("<1@example.com>", "ada@example.com", subject, "Hi", html, at)
    await FileMailer(folder, "Shop <shop@example.com>").send(mail, hand_over)
    return "20260501T000000-1.eml"


async def test_development_lists_and_shows_mails_in_a_sandbox(settings: Settings, tmp_path: Path) -> None:
    name = await write(tmp_path, EVIL, f"<p>Hi {EVIL}</p>")
    development = settings.model_copy(update={"environment": "development"})
    listed = await get(development, "/dev/mail")
    shown = await get(development, f"/dev/mail/{name}")
    assert listed.status_code == shown.status_code == 200
    assert f'href="/dev/mail/{name}"' in listed.text
    for page in (listed, shown):
        assert "<script" not in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert page.headers["cache-control"] == "no-store"
    assert '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" srcdoc="' in shown.text
    assert "ada@example.com" in shown.text


@pytest.mark.parametrize("name", ["nothing.eml", "..%2F..%2Fetc%2Fpasswd", "%2e%2e"])
async def test_only_mails_of_the_folder_are_shown(settings: Settings, name: str) -> None:
    development = settings.model_copy(update={"environment": "development"})
    assert (await get(development, f"/dev/mail/{name}")).status_code == 404


async def test_production_has_no_such_page(settings: Settings, tmp_path: Path) -> None:
    name = await write(tmp_path)
    assert (await get(settings, "/dev/mail")).status_code == 404
    assert (await get(settings, f"/dev/mail/{name}")).status_code == 404


async def test_the_document_does_not_name_it(settings: Settings) -> None:
    development = settings.model_copy(update={"environment": "development"})
    assert "/dev/mail" not in (await get(development, "/openapi.json")).json()["paths"]
