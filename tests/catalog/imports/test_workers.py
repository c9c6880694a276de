"""Imports by real workers: two of one file at once, and workers killed in the middle."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.imports.source import BATCH
from app.catalog.models import Item
from app.core.db.locks import AdvisoryLock, acquire
from app.core.settings.groups import WorkerSettings
from app.worker import Worker
from devstack import Servers
from tests.catalog.waiting import hold
from tests.conftest import JWT_SECRET, PUBLIC_URL, ROOT

from .conftest import Importer, books_of, csv_of, isbn_of, settings_with_mail

CUT_OFF = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
SKU = "BK-000007"
# A session that waits for a worker to start would be cut off by a slow machine.
WITHOUT_HURRY = text("SET LOCAL idle_in_transaction_session_timeout = 0")

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
async def two_workers(live_app: FastAPI) -> AsyncIterator[None]:
    workers = [Worker(settings_with_mail(live_app.state.settings)) for _ in range(2)]
    tasks = [asyncio.create_task(worker.run(is_scheduling=False)) for worker in workers]
    yield
    for worker in workers:
        worker.stop()
    await asyncio.gather(*tasks)


@pytest.fixture
def start_worker(servers: Servers, empty_database_url: str, tmp_path: Path) -> Iterator[Start]:
    """A worker in a process of its own, to be killed."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": empty_database_url,
            "REDIS_URL": servers.redis_url,
            "STORAGE_URL": servers.files.as_uri(),
            "JWT_SECRET": JWT_SECRET,
            "PUBLIC_URL": PUBLIC_URL,
            "MAIL_URL": "smtp://127.0.0.1:1",
            "WORKER_LEASE": "1",
        }
        with (tmp_path / f"worker-{len(started)}").open("wb") as output:
            popen = subprocess.Popen(
                (sys.executable, "-m", "app.cli", "worker"),
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(popen)
        return popen

    yield start
    for each in started:
        each.kill()
        each.wait()


async def until(condition: Callable[[], Awaitable[object]], within: float = 120) -> None:
    async with asyncio.timeout(within):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_two_imports_of_one_file_at_once_make_each_book_once(
    importer: Importer, two_workers: None
) -> None:
    del two_workers
    content = csv_of(books_of(300, author="Ann; Bea", series="Saga", categories="New", quantity=2))
    jobs = await asyncio.gather(*(importer.send(content) for _ in range(2)))

    await until(lambda: is_completed(importer, *jobs))
    counts = [(await importer.job(job["id"]))["counts"] for job in jobs]
    assert sorted((one["created"], one["unchanged"]) for one in counts) == [(0, 300), (300, 0)]
    census = await importer.census()
    assert (census["books"], census["authors"], census["series"], census["categories"]) == (300, 2, 1, 1)
    assert await importer.counted() == 600


def with_an_obstacle() -> bytes:
    """Three batches; the last one has a row with a SKU."""
    rows: list[dict[str, object]] = [
        {**row, "sku": ""} for row in books_of(3 * BATCH, quantity=1, author="Ann")
    ]
    rows[2 * BATCH + 5]["sku"] = SKU
    return csv_of(rows)


async def take_the_sku(session: AsyncSession, importer: Importer) -> None:
    """Sell something else with that SKU, seen by nobody until it commits."""
    rival = Item(kind="gift", sku=SKU, title="Rival", currency="EUR", owner_id=importer.caller.id)
    session.add(rival)
    await session.flush()


async def is_held_up(importer: Importer) -> object:
    """Whether a batch waits for somebody else to commit."""
    return await is_waiting(importer, "COPY%items%")


async def is_waiting(importer: Importer, query: str) -> object:
    """Whether such a query waits for a lock."""
    return await importer.ask(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND wait_event_type = 'Lock' AND query LIKE :query",
        query=query,
    )


async def is_completed(importer: Importer, *jobs: dict[str, Any]) -> bool:
    """Whether all of these came to their end."""
    return await is_over(importer, "completed", *jobs)


async def is_over(importer: Importer, state: str, *jobs: dict[str, Any]) -> bool:
    """Whether all of these are in the state."""
    return all([(await importer.job(job["id"]))["state"] == state for job in jobs])


@pytest.mark.parametrize("on_error", ["skip_row", "abort"])
async def test_an_import_whose_worker_was_killed_is_finished_by_the_next_without_doubles(
    importer: Importer, start_worker: Start, live_app: FastAPI, on_error: str
) -> None:
    async with live_app.state.database.sessions() as session:
        await session.execute(WITHOUT_HURRY)
        # Somebody is writing the same SKU: the third batch waits for what becomes of it.
        await take_the_sku(session, importer)
        job = await importer.send(with_an_obstacle(), on_error=on_error)
        worker = start_worker()
        await until(lambda: is_held_up(importer))
        half = await importer.job(job["id"])
        assert (half["state"], half["counts"]["created"], half["percent"] < 100) == (
            "running",
            2 * BATCH,
            True,
        )
        worker.kill()
        worker.wait()
        await session.rollback()
    # Rows, not the list: the documents of the second batch may have died with the worker.
    assert (await importer.census())["books"] == (2 * BATCH if on_error == "skip_row" else 0)
    start_worker()
    await until(lambda: is_completed(importer, job))
    counts = (await importer.job(job["id"]))["counts"]
    assert counts == {"created": 3 * BATCH, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}
    assert await importer.counted() == 3 * BATCH
    assert (await importer.get(f"/{job['id']}/rows")).json()["total"] == 3 * BATCH
    census = await importer.census()
    assert (census["books"], census["book_documents"], census["authors"]) == (3 * BATCH, 3 * BATCH, 1)


@pytest.mark.parametrize("end", ["cancelled", "failed"])
async def test_books_of_an_import_that_ends_with_its_killed_worker_are_found_by_their_new_titles(
    importer: Importer, start_worker: Start, live_app: FastAPI, end: str
) -> None:
    await importer.finish(csv_of(books_of(5)))
    async with live_app.state.database.sessions() as session:
        await session.execute(WITHOUT_HURRY)
        # The worker is killed after the books are written and before their documents are.
        await session.execute(text("SELECT FROM book_documents FOR UPDATE"))
        job = await importer.send(csv_of({**row, "title": "Renamed"} for row in books_of(5)))
        worker = start_worker()
        await until(lambda: is_waiting(importer, "%refresh_book_documents%"))
        if end == "cancelled":
            assert (await importer.act(job["id"], "cancel")).status_code == 202
        worker.kill()
        worker.wait()
        await session.rollback()
    if end == "failed":
        name = await importer.ask("SELECT stored_as FROM import_jobs WHERE id = :id", id=job["id"])
        await importer.outside.storage.opened.delete([name])

    start_worker()

    await until(lambda: is_over(importer, end, job))
    assert (await importer.job(job["id"]))["counts"]["updated"] == 5
    assert (await importer.http.get("/api/v1/search?q=renamed")).json()["total"] == 5


async def test_an_import_that_waited_for_its_turn_goes_on_after_a_lost_connection(
    importer: Importer, live_app: FastAPI
) -> None:
    settings = settings_with_mail(live_app.state.settings)
    worker = Worker(settings.model_copy(update={"worker": WorkerSettings(attempts=1)}))
    task = asyncio.create_task(worker.run(is_scheduling=False))
    sessions = live_app.state.database.sessions
    async with sessions() as rival, sessions() as turn:
        await take_the_sku(rival, importer)
        await turn.execute(acquire(AdvisoryLock.IMPORT_RUN))
        rows = [{"isbn": isbn_of(n), "title": f"Book {n}", "sku": f"BK-{n:06}"} for n in range(1, 21)]
        job = await importer.send(csv_of(rows))
        # Each look whether another import runs is an attempt.
        await until(lambda: importer.ask("SELECT attempts > 0 FROM outbox_events WHERE type LIKE 'import.%'"))
        await turn.rollback()
        await until(lambda: is_held_up(importer))

        await importer.ask(CUT_OFF)
        await rival.rollback()

    await until(lambda: is_completed(importer, job))
    assert await importer.ask("SELECT count(*) FROM dead_letters") == 0
    worker.stop()
    await task


async def test_an_import_takes_books_in_the_order_of_merges_and_names_after_them_as_edits_do(
    importer: Importer, two_workers: None, live_app: FastAPI
) -> None:
    del two_workers
    # The later the book, the lower its ISBN.
    await importer.finish(csv_of(reversed(books_of(2))))
    high, low = [(await importer.book(isbn_of(n)))["id"] for n in (1, 2)]
    assert low < high
    async with live_app.state.database.sessions() as session:
        await hold(session, "items", low, "NO KEY UPDATE NOWAIT")
        job = await importer.send(csv_of(books_of(2, author="Ann")))
        await until(lambda: is_waiting(importer, "%FOR UPDATE OF items%"))

        # Neither stands in the way of whoever holds the first book.
        await hold(session, "items", high, "NO KEY UPDATE NOWAIT")
        assert await session.scalar(
            text("SELECT pg_try_advisory_xact_lock_shared(:lock)"), {"lock": int(AdvisoryLock.NAMING)}
        )
        await session.rollback()

    await until(lambda: is_completed(importer, job))


async def test_a_sku_that_somebody_takes_meanwhile_is_theirs_and_the_row_warns(
    importer: Importer, live_app: FastAPI, two_workers: None
) -> None:
    del two_workers
    rows = [{"isbn": isbn_of(n), "title": f"Book {n}", "sku": f"BK-{n:06}"} for n in range(1, 21)]
    async with live_app.state.database.sessions() as session:
        # Seen by nobody until it commits: by then the batch has been found free of conflicts.
        await take_the_sku(session, importer)
        job = await importer.send(csv_of(rows))

        await until(lambda: is_held_up(importer))
        await session.commit()

    await until(lambda: is_completed(importer, job))
    (row,) = await importer.rows(job["id"], has_warnings="true")
    assert (row["number"], row["warnings"][0]["type"]) == (7, "sku-taken")
    assert (await importer.job(job["id"]))["counts"]["created"] == 20


async def test_requests_and_an_import_that_name_the_same_new_author_make_one(
    importer: Importer, two_workers: None
) -> None:
    del two_workers
    job = await importer.send(csv_of(books_of(200, author="Ann; Bea; Cleo")))
    made = await asyncio.gather(
        *(
            importer.http.post(
                "/api/v1/books",
                json={"title": f"Other {n}", "author": "Cleo; Bea; Ann", "price": 5},
                headers=importer.caller.headers,
            )
            for n in range(20)
        )
    )
    assert {answer.status_code for answer in made} == {201}

    await until(lambda: is_completed(importer, job))
    assert await importer.total("authors") == 3
