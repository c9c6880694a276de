"""How Gunicorn and its workers go: told to, and killed."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from devstack.process import wait_until
from tests.gunicorn import Gunicorn, StartGunicorn

AT_ONCE = 4


def workers_of(server: Gunicorn) -> list[int]:
    master = server.popen.pid
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


@contextmanager
def asking(server: Gunicorn, path: str) -> Iterator[list[int]]:
    """Ask all the time, several at once; the list gets a status for each, 0 where there was no answer."""
    found: list[int] = []
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=server.http.base_url, trust_env=False, timeout=120) as http:
            while not ended.is_set():
                try:
                    found.append(http.get(path).status_code)
                except httpx.TransportError:
                    found.append(0)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(ask) for _ in range(AT_ONCE)]
        try:
            yield found
        finally:
            ended.set()
    assert not [fault for each in asked if (fault := each.exception())]


def test_told_to_go_it_is_not_ready_and_goes_on_for_a_while(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn("--workers", "1", DRAIN_SECONDS="4")
    with httpx.Client(base_url=server.http.base_url, trust_env=False) as http:
        assert "connection" not in http.get("/api/v1/books").headers
        server.popen.send_signal(signal.SIGTERM)
        assert wait_until(lambda: http.get("/health/ready").status_code == 503, timeout=3)
        assert http.get("/health/ready").json()["code"] == "draining"
        late = http.get("/api/v1/books")
        assert (late.status_code, late.headers["connection"]) == (200, "close")
        assert http.get("/health/live").status_code == 200
    assert server.popen.wait(15) == 0


def test_a_second_signal_ends_the_while(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn("--workers", "1", DRAIN_SECONDS="20")
    [worker] = workers_of(server)
    os.kill(worker, signal.SIGTERM)
    assert wait_until(lambda: server.http.get("/health/ready").status_code == 503, timeout=5)
    begun = time.monotonic()
    os.kill(worker, signal.SIGTERM)
    assert wait_until(lambda: worker not in workers_of(server), timeout=10)
    assert time.monotonic() - begun < 10


async def test_what_is_being_answered_is_answered(
    start_gunicorn: StartGunicorn, empty_database_url: str
) -> None:
    server = await asyncio.to_thread(start_gunicorn)
    database = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
    try:
        async with database.transaction():
            await database.execute("LOCK TABLE books IN ACCESS EXCLUSIVE MODE")
            asked = asyncio.ensure_future(asyncio.to_thread(server.http.get, "/api/v1/books"))
            async with asyncio.timeout(30):
                while not await database.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    await asyncio.sleep(0.02)
            server.popen.send_signal(signal.SIGTERM)
            await asyncio.sleep(1)
        assert (await asked).status_code == 200
        with pytest.raises(httpx.TransportError):
            await asyncio.to_thread(server.http.get, "/health/live")
    finally:
        await database.close()


def test_a_killed_worker_costs_its_own_requests_alone(start_gunicorn: StartGunicorn) -> None:
    server = start_gunicorn("--workers", "2")
    before = set(workers_of(server))
    with asking(server, "/api/v1/books") as found:
        assert wait_until(lambda: len(found) > AT_ONCE, timeout=30)
        os.kill(min(before), signal.SIGKILL)
        assert wait_until(lambda: len(set(workers_of(server)) - before) == 1, timeout=30)
        answered = len(found)
        assert wait_until(lambda: len(found) > answered + 5 * AT_ONCE, timeout=60)
    assert set(found) <= {0, 200}
    assert found.count(0) <= AT_ONCE, "those that the killed one was answering"
    assert len(list(server.metrics_folder.glob("counter_*.db"))) == 2


def test_one_that_is_replaced_for_its_age_costs_nothing(start_gunicorn: StartGunicorn) -> None:
    options = ("--workers", "2", "--max-requests", "40", "--max-requests-jitter", "10")
    server = start_gunicorn(*options, DRAIN_SECONDS="1")
    before = set(workers_of(server))
    with asking(server, "/health/live") as found:
        assert wait_until(lambda: not before & set(workers_of(server)), timeout=120)
    assert set(found) == {200}
