"""The general limit: reads and writes of every caller, counted in the worker and settled through Redis."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta

import httpx
import pytest
import time_machine
from fastapi import FastAPI

from app.core.clock import utc_now
from app.core.http.middleware import SECURITY_HEADERS
from app.identity.permissions import Role
from devstack import Servers
from tests.conftest import Caller, client_of, make_account, running_app, settings_for

BOOKS = "/api/v1/books"
ME = "/api/v1/users/me"
LIMITS = ("ratelimit", "ratelimit-policy", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@pytest.fixture(autouse=True)
def _in_the_middle_of_a_minute() -> Iterator[None]:
    """No window ends while a test runs."""
    with time_machine.travel(utc_now().replace(second=20), tick=False):
        yield


@asynccontextmanager
async def workers(
    servers: Servers, url: str, count: int = 1, **limits: str | float
) -> AsyncIterator[list[FastAPI]]:
    """That many workers on one database and one Redis, with these limits."""
    settings = settings_for(servers, url, rate_limit={"factor": 1, **limits})
    async with AsyncExitStack() as stack:
        running = [await stack.enter_async_context(running_app(settings)) for _ in range(count)]
        # Whatever the workers of another test have reported at their end.
        await running[0].state.redis.flushdb()
        yield running


async def an_account(app: FastAPI, role: Role = Role.USER) -> Caller:
    async with app.state.database.sessions.begin() as arranging:
        return await make_account(app, arranging, role)


async def statuses(
    client: httpx.AsyncClient, count: int, path: str = ME, headers: dict[str, str] | None = None
) -> list[int]:
    return [(await client.get(path, headers=headers)).status_code for _ in range(count)]


async def test_reads_and_writes_of_an_account_are_counted_apart_and_say_so(
    servers: Servers, empty_database_url: str
) -> None:
    async with workers(servers, empty_database_url, read="3/minute", write="2/minute") as [app]:
        owner, other = await an_account(app), await an_account(app)
        async with client_of(app) as client:
            reads = [await client.get(ME, headers=owner.headers) for _ in range(4)]
            writes = [await client.patch(ME, json={}, headers=owner.headers) for _ in range(3)]
            assert await statuses(client, 1, headers=other.headers) == [200]
    assert [answer.status_code for answer in reads] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in reads] == ["2", "1", "0", "0"]
    assert [answer.status_code for answer in writes] == [200, 200, 429]
    assert reads[0].headers["ratelimit-policy"] == '"read";q=3;w=60'
    assert writes[0].headers["ratelimit-policy"] == '"write";q=2;w=60'
    assert writes[0].headers["ratelimit"].startswith('"write";r=1;t=')
    for answer in [*reads, *writes]:
        for name in LIMITS:
            assert len(answer.headers.get_list(name)) == 1, name
    refused = writes[-1]
    assert refused.json()["code"] == "rate-limited"
    assert refused.headers["content-type"] == "application/problem+json"
    assert all(name in refused.headers for name in SECURITY_HEADERS)
    assert 0 < int(refused.headers["retry-after"]) <= 120


async def test_an_api_key_has_a_bucket_of_its_own(servers: Servers, empty_database_url: str) -> None:
    async with workers(servers, empty_database_url, read="2/minute") as [app], client_of(app) as client:
        owner = await an_account(app)
        keys = []
        for name in ("one", "two"):
            made = await client.post(
                "/api/v1/api-keys", json={"name": name, "scopes": []}, headers=owner.headers
            )
            keys.append({"X-API-Key": made.json()["api_key"]})
        assert await statuses(client, 3, headers=owner.headers) == [200, 200, 429]
        assert await statuses(client, 3, headers=keys[0]) == [200, 200, 429]
        assert await statuses(client, 1, headers=keys[1]) == [200]


async def test_who_shows_nothing_of_worth_is_counted_by_address_and_of_ipv6_by_network(
    servers: Servers, empty_database_url: str
) -> None:
    async with workers(servers, empty_database_url, read="4/minute") as [app]:
        owner = await an_account(app)
        async with client_of(app, "2001:db8::1") as one, client_of(app, "2001:db8::2") as neighbour:
            found = await statuses(one, 1, "/nowhere")
            found += await statuses(neighbour, 1, headers={"Authorization": "Bearer forged"})
            found += await statuses(one, 1, f"{BOOKS}/999", {"X-API-Key": "forged"})
            found += await statuses(neighbour, 1, f"{BOOKS}?nonsense=1", {"Cookie": "access_token=forged"})
            assert found == [404, 401, 404, 422]
            for headers in ({}, {"Authorization": "Bearer forged"}):
                assert await statuses(one, 1, headers=headers) == [429]
            # Whoever is known there is counted by themselves.
            assert await statuses(neighbour, 4, headers=owner.headers) == [200] * 4
        async with client_of(app, "2001:db8:0:1::1") as elsewhere:
            assert await statuses(elsewhere, 1, "/nowhere") == [404]


async def test_options_probes_and_what_the_cache_answers_cost_nothing(
    servers: Servers, empty_database_url: str
) -> None:
    async with (
        workers(servers, empty_database_url, read="2/minute", write="1/minute") as [app],
        client_of(app, "192.0.2.1") as client,
    ):
        for path in ("/health", "/health/live", "/health/ready", "/metrics"):
            answer = await client.get(path)
            assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)
        for path in (BOOKS, ME):
            assert (await client.options(path)).status_code == 204
        cold = await client.get(BOOKS)
        assert cold.headers["x-ratelimit-remaining"] == "1"
        assert await statuses(client, 2, "/nowhere") == [404, 429]
        warm = await client.get(BOOKS)
        assert (warm.status_code, "ratelimit" in warm.headers) == (200, False)
        assert (await client.head(BOOKS)).status_code == 200


async def test_the_factor_multiplies_and_the_limit_of_a_zone_wins_over_the_general_one(
    servers: Servers, empty_database_url: str
) -> None:
    async with (
        workers(servers, empty_database_url, factor=2, read="2/minute", search="1/minute") as [app],
        client_of(app, "192.0.2.1") as client,
    ):
        answers = [await client.get(BOOKS, params={"search": "emma"}) for _ in range(3)]
        general = await client.get("/nowhere")
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        for answer in answers:
            assert answer.headers.get_list("ratelimit-policy") == ['"search";q=2;w=60']
        assert general.headers["ratelimit-policy"] == '"read";q=4;w=60'
        assert general.headers["x-ratelimit-remaining"] == "0"


async def test_searches_of_users_count_in_general(servers: Servers, empty_database_url: str) -> None:
    async with workers(servers, empty_database_url, read="3/minute", search="1/minute") as [app]:
        owner = await an_account(app)
        async with client_of(app) as client:
            found = await statuses(client, 4, "/api/v1/search?q=emma", owner.headers)
    assert found == [200, 200, 200, 429]


@pytest.mark.parametrize("count", [2, 3])
async def test_workers_come_to_the_limit_together(
    servers: Servers, empty_database_url: str, count: int
) -> None:
    limit, at_once = 40, 4
    async with (
        workers(servers, empty_database_url, count, read=f"{limit}/minute") as apps,
        AsyncExitStack() as stack,
    ):
        clients = [await stack.enter_async_context(client_of(app, "192.0.2.1")) for app in apps]
        burst = await asyncio.gather(
            *(client.get("/nowhere") for client in clients for _ in range(2 * limit))
        )
        passed = Counter(answer.status_code for answer in burst)[404]
        # A tenth of the limit per worker may pass before the others hear of it.
        assert limit <= passed <= limit + count * at_once
        # By then they have.
        assert {(await client.get("/nowhere")).status_code for client in clients} == {429}


async def test_another_worker_hears_of_a_slow_client_in_a_moment(
    servers: Servers, empty_database_url: str
) -> None:
    async with (
        workers(servers, empty_database_url, 2, read="20/minute") as [one, other],
        client_of(one, "192.0.2.1") as here,
        client_of(other, "192.0.2.1") as there,
    ):
        assert await statuses(here, 20, "/nowhere") == [404] * 20
        await one.state.rate_limiter.stop()
        found = await statuses(there, 4, "/nowhere")
    # The share that costs no question, then the sum of both.
    assert found == [404, 404, 429, 429]


async def test_without_redis_each_worker_keeps_the_limit_and_tells_the_others_later(
    servers: Servers, empty_database_url: str
) -> None:
    async with (
        workers(servers, empty_database_url, 2, read="10/minute") as [one, other],
        client_of(one, "192.0.2.1") as here,
        client_of(other, "192.0.2.1") as there,
    ):
        servers.redis.stop()
        try:
            assert await statuses(here, 12, "/nowhere") == [404] * 10 + [429] * 2
            assert await statuses(there, 2, "/nowhere") == [404] * 2
        finally:
            servers.redis.start()
        for app in (one, other):
            async with asyncio.timeout(30):
                while not app.state.cache.is_connected:
                    await asyncio.sleep(0.01)
            await app.state.rate_limiter.stop()
        assert await statuses(here, 1, "/nowhere") == [429]
        assert await statuses(there, 1, "/nowhere") == [429]


async def test_the_window_slides_and_a_clock_that_is_moved_locks_nobody_out(
    servers: Servers, empty_database_url: str
) -> None:
    # The beginning of a minute, some hours ahead.
    start = utc_now().replace(second=0, microsecond=0) + timedelta(hours=3)
    async with (
        workers(servers, empty_database_url, read="10/minute") as [app],
        client_of(app, "192.0.2.1") as client,
    ):
        with time_machine.travel(start, tick=False):
            assert await statuses(client, 10, "/nowhere") == [404] * 10
            refused = await client.get("/nowhere")
        seconds = int(refused.headers["retry-after"])
        assert (refused.status_code, seconds) == (429, 66)
        with time_machine.travel(start + timedelta(seconds=seconds - 1), tick=False):
            assert await statuses(client, 1, "/nowhere") == [429]
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            assert await statuses(client, 2, "/nowhere") == [404, 429]
        with time_machine.travel(start + timedelta(seconds=90), tick=False):
            assert (await client.get("/nowhere")).headers["x-ratelimit-remaining"] == "3"
        for hours in (5, -5, 0):
            with time_machine.travel(start + timedelta(hours=hours, seconds=600), tick=False):
                assert await statuses(client, 11, "/nowhere") == [404] * 10 + [429]


async def test_more_clients_than_a_worker_remembers_do_not_make_it_forget_a_flood(
    servers: Servers, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.window_counts._MOST_COUNTS", 3)
    async with (
        workers(servers, empty_database_url, read="10/minute") as [app],
        client_of(app, "192.0.2.1") as client,
    ):
        assert await statuses(client, 10, "/nowhere") == [404] * 10
        for number in range(2, 9):
            async with client_of(app, f"192.0.2.{number}") as other:
                assert await statuses(other, 1, "/nowhere") == [404]
        found = await statuses(client, 3, "/nowhere")
    assert found[1:] == [429, 429]


async def test_uploads_and_exports_have_few_a_minute_of_each_caller(
    servers: Servers, empty_database_url: str
) -> None:
    async with workers(servers, empty_database_url) as [app], client_of(app) as client:
        owner, other = await an_account(app), await an_account(app)
        answers = [await client.post("/api/v1/uploads", headers=owner.headers) for _ in range(6)]
        assert [answer.status_code == 429 for answer in answers] == [False] * 5 + [True]
        assert answers[0].headers["ratelimit-policy"] == '"upload";q=5;w=60'
        cover = await client.put(f"{BOOKS}/1/cover", headers=owner.headers)
        assert cover.status_code == 429
        assert (await client.post("/api/v1/uploads", headers=other.headers)).status_code != 429
        admin = await an_account(app, Role.ADMIN)
        for path in ("/api/v1/admin/exports", "/api/v1/admin/audit/export.ndjson"):
            # Who may not export at all uses nothing up.
            assert await statuses(client, 6, path, owner.headers) == [403] * 6
        exports = await statuses(client, 6, "/api/v1/admin/exports", admin.headers)
        assert exports == [200] * 5 + [429]


async def test_a_refused_body_uses_up_nothing_that_is_scarce(
    servers: Servers, empty_database_url: str
) -> None:
    register = "/api/v1/users/register"
    good = {"username": "ada", "email": "ada@example.com", "password": "Correct-horse-1!"}
    async with workers(servers, empty_database_url) as [app], client_of(app, "192.0.2.1") as client:
        for _ in range(3):
            for refused, status in (
                (client.post(register, json={**good, "email": "nobody"}), 422),
                (client.post(register, content=b"{", headers={"Content-Type": "application/json"}), 422),
                (client.post(register, content=b"{}", headers={"Content-Type": "text/plain"}), 415),
            ):
                answer = await refused
                assert answer.status_code == status
                assert answer.headers["ratelimit-policy"] == '"write";q=100;w=60'
        made = await client.post(register, json=good)
        assert (made.status_code, made.headers["x-ratelimit-remaining"]) == (201, "2")
        # A name that is taken is an answer worth asking for, so it counts.
        taken = [await client.post(register, json=good) for _ in range(3)]
        assert [answer.status_code for answer in taken] == [409, 409, 429]
        malformed = await client.post(register, json={})
        assert malformed.status_code == 429


async def test_malformed_requests_are_bounded_by_the_general_limit(
    servers: Servers, empty_database_url: str
) -> None:
    async with (
        workers(servers, empty_database_url, write="10/minute") as [app],
        client_of(app, "192.0.2.1") as client,
    ):
        answers = [await client.post("/api/v1/users/register", json={}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [422] * 10 + [429]


async def test_without_redis_a_refused_body_is_given_back_too(
    servers: Servers, empty_database_url: str
) -> None:
    async with workers(servers, empty_database_url) as [app], client_of(app, "192.0.2.1") as client:
        servers.redis.stop()
        try:
            answers = [await client.post("/api/v1/users/register", json={}) for _ in range(5)]
        finally:
            servers.redis.start()
    assert [answer.status_code for answer in answers] == [422] * 5
