"""The hot-read cache across real worker processes, under concurrent writes and with Redis gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import FastAPI

from devstack import Servers
from tests.conftest import SignUp
from tests.gunicorn import StartGunicorn

BOOKS = "/api/v1/books"
WRITES = 60
READERS = 4


@dataclass
class Watch:
    """What one worker answered: (asked at, answered at, version), in the order of the answers."""

    seen: list[tuple[float, float, int]] = field(default_factory=list)

    def newest_before(self, moment: float) -> int:
        return max((version for _, answered, version in self.seen if answered < moment), default=0)


@asynccontextmanager
async def two_workers(start_gunicorn: StartGunicorn) -> AsyncIterator[list[httpx.AsyncClient]]:
    urls = [str(start_gunicorn("--workers", "1").http.base_url) for _ in range(2)]
    clients = [httpx.AsyncClient(base_url=url, timeout=10) for url in urls]
    try:
        yield clients
    finally:
        for client in clients:
            await client.aclose()


async def watch(
    client: httpx.AsyncClient, path: str, field_name: str, log: Watch, end: asyncio.Event
) -> None:
    while not end.is_set():
        asked = time.monotonic()
        body = (await client.get(path)).raise_for_status().json()
        version = body["items"][0]["version"] if field_name == "items" else body["version"]
        log.seen.append((asked, time.monotonic(), version))
        await asyncio.sleep(0)


@pytest.mark.parametrize(("suffix", "field_name"), [("/{id}", "version"), ("", "items")])
async def test_no_worker_answers_an_older_version_and_all_learn_of_writes(
    start_gunicorn: StartGunicorn, live_sign_up: SignUp, suffix: str, field_name: str
) -> None:
    seller = await live_sign_up()
    async with two_workers(start_gunicorn) as workers:
        created = await workers[0].post(BOOKS, json={"title": "T", "price": 1}, headers=seller.headers)
        path = f"{BOOKS}/{created.json()['id']}"
        read = BOOKS + suffix.format(id=created.json()["id"])
        logs, end = [Watch(), Watch()], asyncio.Event()
        readers = [
            asyncio.create_task(watch(worker, read, field_name, log, end))
            for worker, log in zip(workers, logs, strict=True)
            for _ in range(READERS)
        ]
        written: list[int] = []
        for number in range(WRITES):
            writer = workers[number % 2]
            answer = await writer.patch(path, json={"price": number + 1}, headers=seller.headers)
            version = answer.raise_for_status().json()["version"]
            written.append(version)
            own = (await writer.get(read)).json()
            shown = own["items"][0] if field_name == "items" else own
            assert shown["version"] >= version, "a write shows at once in the worker that made it"
        # Entries live for 60 s: what comes sooner was brought by the announcement.
        async with asyncio.timeout(30):
            while any(log.seen[-1][2] != written[-1] for log in logs):
                await asyncio.sleep(0.01)
        end.set()
        await asyncio.gather(*readers)

    for log in logs:
        for asked, _, version in log.seen:
            assert version >= log.newest_before(asked), "an older version after a newer one"


async def test_without_redis_no_answer_is_stale_and_the_cache_comes_back(
    servers: Servers, start_gunicorn: StartGunicorn, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    async with two_workers(start_gunicorn) as workers:
        created = await workers[0].post(BOOKS, json={"title": "T", "price": 1}, headers=seller.headers)
        path = f"{BOOKS}/{created.json()['id']}"
        for worker in workers:
            assert (await worker.get(path)).json()["version"] == 1

        async def write_and_read_everywhere(number: int) -> None:
            writer = workers[number % 2]
            answer = await writer.patch(path, json={"price": number + 1}, headers=seller.headers)
            version = answer.raise_for_status().json()["version"]
            for worker in workers:
                assert (await worker.get(path)).json()["version"] == version
                assert (await worker.get(BOOKS)).json()["items"][0]["version"] == version

        await asyncio.to_thread(servers.redis.stop)
        try:
            for number in range(10):
                await write_and_read_everywhere(number)
        finally:
            await asyncio.to_thread(servers.redis.start)
        for number in range(10, 20):
            await write_and_read_everywhere(number)
            await asyncio.sleep(0.1)


async def test_redis_going_and_coming_under_load_costs_no_request(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    created = await live_client.post(BOOKS, json={"title": "T", "price": 1}, headers=seller.headers)
    path = f"{BOOKS}/{created.json()['id']}"
    statuses: list[int] = []
    end = asyncio.Event()

    async def use() -> None:
        while not end.is_set():
            statuses.append((await live_client.get(path)).status_code)
            written = await live_client.patch(path, json={"quantity": 1}, headers=seller.headers)
            statuses.append(written.status_code)
            assert (await live_client.get(path)).json()["version"] >= written.json()["version"]

    using = [asyncio.create_task(use()) for _ in range(4)]
    for _ in range(3):
        await asyncio.to_thread(servers.redis.stop)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(servers.redis.start)
        await asyncio.sleep(0.3)
    end.set()
    await asyncio.gather(*using)
    assert set(statuses) == {200}
    while not live_app.state.cache.is_connected:
        await asyncio.sleep(0.05)
