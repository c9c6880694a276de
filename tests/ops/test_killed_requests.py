"""A worker is killed in the middle of a request with an `Idempotency-Key`: in the end there is one book."""

import asyncio
import os
import signal
from contextlib import closing
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.conftest import PASSWORD
from tests.gunicorn import Gunicorn, StartGunicorn

BOOKS = "/api/v1/books"
BOOK = {"title": "Emma", "price": 9.5}
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def worker_of(server: Gunicorn) -> int:
    master = server.popen.pid
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def log_in(server: Gunicorn) -> dict[str, str]:
    account = {"username": "emma", "email": "emma@example.com", "password": PASSWORD}
    assert server.http.post("/api/v1/users/register", json=account).status_code == 201
    answer = server.http.post("/api/v1/auth/token", data={"username": "emma", "password": PASSWORD})
    return {"Authorization": f"Bearer {answer.json()['access_token']}", "Idempotency-Key": "killed"}


async def test_a_request_whose_worker_was_killed_is_done_once_by_the_next_try(
    start_gunicorn: StartGunicorn, empty_database_url: str
) -> None:
    server = await asyncio.to_thread(start_gunicorn, "--workers", "1")
    headers = await asyncio.to_thread(log_in, server)

    def send() -> httpx.Response:
        with closing(httpx.Client(base_url=server.http.base_url, trust_env=False, timeout=30)) as http:
            return http.post(BOOKS, json=BOOK, headers=headers)

    database = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
    try:
        async with database.transaction():
            await database.execute("LOCK TABLE books IN ACCESS EXCLUSIVE MODE")
            sending = asyncio.ensure_future(asyncio.to_thread(send))
            async with asyncio.timeout(30):
                while await database.fetchval(WAITING) == 0:
                    await asyncio.sleep(0.02)
            os.kill(worker_of(server), signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                await sending
        # However long the next worker takes to start.
        await database.execute("UPDATE idempotency_keys SET claimed_until = now() + interval '1 h'")
        async with asyncio.timeout(120):
            while not await asyncio.to_thread(server.is_ready):
                await asyncio.sleep(0.1)
        early = await asyncio.to_thread(send)
        assert (early.status_code, early.json()["code"]) == (409, "idempotency-key-in-use")
        await database.execute("UPDATE idempotency_keys SET claimed_until = now() - interval '1 s'")
        late, again = await asyncio.to_thread(send), await asyncio.to_thread(send)
        assert (late.status_code, "idempotent-replayed" in late.headers) == (201, False)
        assert (again.status_code, again.content) == (201, late.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert await database.fetchval("SELECT count(*) FROM books") == 1
    finally:
        await database.close()
