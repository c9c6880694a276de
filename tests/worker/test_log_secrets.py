"""As `tests/core/test_log_secrets.py`, of real processes: server, worker and command; everything that they print is searched."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import asyncpg
import pytest
from fastapi import FastAPI

from app.core.events.events import Event
from app.identity.events import PasswordChanged
from devstack import Servers
from tests.conftest import JWT_SECRET, PUBLIC_URL, ROOT, SignUp, make_account
from tests.core.test_log_secrets import PARTS, SECRET
from tests.gunicorn import StartGunicorn, start_gunicorn

from .conftest import Ask, Publish, StartWorker, until
from .post_office import PostOffice

__all__ = ["start_gunicorn"]

BOOKS = "/api/v1/books"
SPILL = """
CREATE FUNCTION spill() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'no %', NEW USING DETAIL = NEW::text, HINT = NEW::text; END $$;
CREATE TRIGGER spill BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION spill()"""


@dataclass(frozen=True, slots=True)
class Malformed(Event):
    type: ClassVar[str] = "user.password_changed"
    nonsense: str


async def _sabotage(url: str, table: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(SPILL.format(table=table))
    finally:
        await connection.close()


def _search(written: str) -> None:
    for part in (*PARTS, JWT_SECRET):
        assert part not in written, written


@pytest.mark.parametrize("style", ["json", "text"])
async def test_a_server_prints_none(
    live_app: FastAPI, empty_database_url: str, start_gunicorn: StartGunicorn, style: str
) -> None:
    async with live_app.state.database.sessions.begin() as arranging:
        seller = await make_account(live_app, arranging)
    await _sabotage(empty_database_url, "items")
    server = start_gunicorn("--workers", "1", LOG_LEVEL="DEBUG", LOG_FORMAT=style)
    headers = {"X-Password": SECRET, "Cookie": f"access_token={SECRET}", "Referer": SECRET}
    body = {"title": SECRET, "price": 1, "description": SECRET}
    failed = server.http.post(BOOKS, json=body, headers={**headers, **seller.headers})
    assert failed.status_code == 500
    server.http.get(f"{BOOKS}/{SECRET}?search={SECRET}", headers=headers)
    server.http.get(f"{BOOKS}?search={SECRET}", headers={"Authorization": f"Bearer {SECRET}"})
    server.http.post("/api/v1/auth/token", data={"username": SECRET, "password": SECRET})
    server.stop()
    _search(server.said)
    assert "SQLSTATE P0001" in server.said
    assert failed.headers["x-request-id"] in server.said


async def test_a_server_that_cannot_reach_anything_prints_none(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn(
        "--workers",
        "1",
        is_awaited=False,
        DATABASE_URL=f"postgresql://user:{SECRET}@127.0.0.1:1/shop",
        REDIS_URL=f"redis://user:{SECRET}@127.0.0.1:1/0",
        MAIL_URL=f"smtp://user:{SECRET}@127.0.0.1:1",
        STORAGE_SECRET_KEY=SECRET,
        LOG_LEVEL="DEBUG",
    )

    async def is_up() -> bool:
        return '"event":"started"' in server.said

    await until(is_up, within=120)
    assert server.http.get(BOOKS).status_code == 503
    server.stop()
    _search(server.said)
    assert '"unavailable"' in server.said


@pytest.fixture
def given_up(tell: Publish, ask: Ask) -> Callable[[Event, int], Awaitable[str]]:
    """Publishes an event, waits until so many are dead letters, and answers what these say."""

    async def run(event: Event, count: int) -> str:
        await tell(event)

        async def are_so_many() -> bool:
            return bool(await ask("SELECT count(*) FROM dead_letters") == count)

        await until(are_so_many, within=120)
        return str(await ask("SELECT string_agg(error, ' ') FROM dead_letters"))

    return run


async def test_a_worker_prints_none(
    live_sign_up: SignUp,
    empty_database_url: str,
    given_up: Callable[[Event, int], Awaitable[str]],
    start_worker: StartWorker,
    post_office: PostOffice,
    tmp_path: Path,
) -> None:
    user = await live_sign_up(username=SECRET.lower())
    post_office.refused = f"550 5.1.1 <{SECRET}@example.com> is nobody here"
    start_worker(LOG_LEVEL="DEBUG", MAIL_URL=post_office.url.replace("//", f"//user:{SECRET}@"))
    await given_up(PasswordChanged(user.id), 1)
    await given_up(Malformed(SECRET), 2)
    await _sabotage(empty_database_url, "mail_log")
    _search(await given_up(PasswordChanged(user.id), 3))
    written = (tmp_path / "worker-0").read_text()
    _search(written)
    for told in (
        "SQLSTATE P0001",
        "missing 1 required positional argument: 'user_id'",
        "event_is_dead_letter",
    ):
        assert told in written


def test_a_command_that_fails_prints_none(servers: Servers, empty_database_url: str) -> None:
    asyncio.run(_sabotage(empty_database_url, "users"))
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": empty_database_url,
        "REDIS_URL": servers.redis_url,
        "JWT_SECRET": JWT_SECRET,
        "PUBLIC_URL": PUBLIC_URL,
        "BOOKSTORE_ADMIN_PASSWORD": f"{SECRET}-A1!",
        "DOTENV": "",
    }
    done = subprocess.run(
        (sys.executable, "-m", "app.cli", "create-admin", "Zq7-admin", "pl4nted@example.com"),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    _search(done.stdout + done.stderr)
    assert done.returncode == 1
    assert "SQLSTATE P0001" in done.stderr
