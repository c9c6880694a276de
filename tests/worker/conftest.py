"""Workers in this process and in processes of their own, a post office, and a look into the outbox."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app import registry
from app.core.events.events import Event, publish
from app.core.settings.settings import Settings
from app.worker import Worker
from devstack import Servers
from tests.conftest import JWT_SECRET, PUBLIC_URL, ROOT, settings_for

from .post_office import PostOffice, open_post_office

# As a worker does: what is scheduled and handled must not depend on which tests ran before.
registry.load_handlers()

LEASE = 2.0

StartWorker = Callable[..., subprocess.Popen[bytes]]
RunningWorker = Callable[..., AbstractAsyncContextManager[Worker]]
Ask = Callable[..., Awaitable[Any]]
Publish = Callable[[Event], Awaitable[int]]
Change = Callable[[str], Awaitable[None]]


@pytest.fixture
async def post_office() -> AsyncIterator[PostOffice]:
    async with open_post_office() as office:
        yield office


def settings_with_worker(
    servers: Servers, database_url: str, post_office: PostOffice, **fields: object
) -> Settings:
    """Settings of a shop whose mails go to the post office, and whose worker soon takes over and gives up."""
    return settings_for(
        servers,
        database_url,
        mail={"url": post_office.url, "from": "Shop <shop@example.com>", "timeout": 1},
        worker={"lease": LEASE, "concurrency": 4, "attempts": 3},
        public_url="https://shop.example.com",
        **fields,
    )


@pytest.fixture
def worker_settings(servers: Servers, empty_database_url: str, post_office: PostOffice) -> Settings:
    return settings_with_worker(servers, empty_database_url, post_office)


@pytest.fixture
def running_worker(worker_settings: Settings) -> RunningWorker:
    """A worker in this process, for as long as the block lasts."""

    @asynccontextmanager
    async def run(
        settings: Settings = worker_settings, *, is_scheduling: bool = False
    ) -> AsyncIterator[Worker]:
        worker = Worker(settings)
        task = asyncio.create_task(worker.run(is_scheduling=is_scheduling))
        try:
            yield worker
        finally:
            worker.stop()
            await task

    return run


@pytest.fixture
def start_worker(
    servers: Servers, empty_database_url: str, post_office: PostOffice, tmp_path: Path
) -> Iterator[StartWorker]:
    """A worker in a process of its own, to be killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start(command: str = "worker", **environment: str) -> subprocess.Popen[bytes]:
        given = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": empty_database_url,
            "STORAGE_URL": servers.files.as_uri(),
            "REDIS_URL": servers.redis_url,
            "JWT_SECRET": JWT_SECRET,
            "PUBLIC_URL": PUBLIC_URL,
            "MAIL_URL": post_office.url,
            "MAIL_TIMEOUT": "1",
            "WORKER_LEASE": str(LEASE),
            "WORKER_ATTEMPTS": "3",
        }
        with (tmp_path / f"{command}-{len(started)}").open("wb") as output:
            popen = subprocess.Popen(  # noqa: S603 - our own program
                (sys.executable, "-m", "app.cli", command),
                cwd=ROOT,
                env=given | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(popen)
        return popen

    yield start
    for each in started:
        if each.poll() is None:
            each.send_signal(signal.SIGTERM)
            each.wait(30)


@pytest.fixture
def ask(live_app: FastAPI) -> Ask:
    """One value from the database."""

    async def run(statement: str, **values: object) -> Any:
        async with live_app.state.database.reading() as connection:
            return await connection.scalar(text(statement), values)

    return run


@pytest.fixture
def tell(live_app: FastAPI) -> Publish:
    """Publish an event and commit; its id."""

    async def run(event: Event) -> int:
        async with live_app.state.database.sessions.begin() as session:
            await publish(session, event)
            await session.flush()
            return int(await session.scalar(text("SELECT max(id) FROM outbox_events")))

    return run


@pytest.fixture
def change(live_app: FastAPI) -> Change:
    """One statement, committed."""

    async def run(statement: str) -> None:
        async with live_app.state.database.sessions.begin() as session:
            await session.execute(text(statement))

    return run


async def until(condition: Callable[[], Awaitable[object]], within: float = 60) -> None:
    """Wait until the condition holds."""
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.05)


async def all_done(ask: Ask, within: float = 60) -> None:
    """Wait until no event is pending."""

    async def is_done() -> bool:
        return not await ask("SELECT count(*) FROM outbox_events WHERE done_at IS NULL")

    await until(is_done, within)
