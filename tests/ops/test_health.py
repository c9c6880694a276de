import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from dirty_equals import IsNonNegative
from fastapi import FastAPI
from sqlalchemy import text

from app.core.settings.settings import Settings
from app.identity.permissions import Role
from app.main import create_app
from devstack import Servers
from tests.conftest import INTERNAL_PORT, PUBLIC_URL, SignUp, client_of, settings_for

SECRET = "Hush-hush-1"
NOBODY_LISTENS = "127.0.0.1:1"
UP = {"status": "up", "duration_ms": IsNonNegative}
IDLE = {"status": "ok", "outbox_pending": 0, "outbox_age_s": 0.0, "dead_letters": 0, "queue_depth": 0}


ENDPOINTS = ("/health", "/health/ready", "/version")
SECRETIVE = ({"status": "up"}, {"status": "ready"}, {"status": "up"})


def inside(application: FastAPI) -> httpx.AsyncClient:
    """A client at the internal port, which is no other port of the same application."""
    return client_of(application, base_url=f"http://testserver:{INTERNAL_PORT}")


@pytest.fixture
async def prober(live_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with inside(live_app) as http:
        yield http


async def test_a_live_process_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert answer.headers["cache-control"] == "no-store"


async def test_it_is_ready_when_servers_answer_and_the_schema_is_current(
    prober: httpx.AsyncClient,
) -> None:
    answer = await prober.get("/health/ready")
    assert answer.status_code == 200
    checks = {"postgresql": UP, "schema": UP, "redis": UP}
    assert answer.json() == {"status": "ready", "checks": checks, "background": IDLE}
    assert answer.headers["cache-control"] == "no-store"


async def test_the_summary_names_version_and_checks(prober: httpx.AsyncClient, live_app: FastAPI) -> None:
    summary = (await prober.get("/health")).json()
    assert summary == {
        "status": "up",
        "condition": "ok",
        "version": live_app.version,
        "uptime_s": IsNonNegative,
        "is_cache_connected": True,
        "checks": {"postgresql": UP, "schema": UP, "redis": UP},
        "background": IDLE,
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE alembic_version SET version_num = '0046'", "the database stands at 0046"),
        ("DELETE FROM alembic_version", "was never migrated"),
        ("DROP TABLE alembic_version", "was never migrated"),
    ],
)
async def test_an_older_schema_or_none_is_not_ready(
    live_app: FastAPI, prober: httpx.AsyncClient, change: str, reason: str
) -> None:
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text(change))
    answer = await prober.get("/health/ready")
    checks = _refusal(answer)["checks"]
    assert checks["postgresql"] == UP
    assert reason in checks["schema"]["reason"]
    assert "run bookstore migrate" in checks["schema"]["reason"]
    assert (await prober.get("/health")).json()["status"] == "down"


async def test_a_newer_schema_is_ready(live_app: FastAPI, prober: httpx.AsyncClient) -> None:
    async with live_app.state.database.engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = 'of_a_newer_release'"))
    answer = await prober.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["schema"]) == (200, UP)
    assert (await prober.get("/health")).json()["condition"] == "ok"


async def test_it_is_not_ready_while_postgresql_is_stopped(
    servers: Servers, prober: httpx.AsyncClient
) -> None:
    assert (await prober.get("/health/ready")).status_code == 200
    servers.postgres.stop(immediate=True)
    try:
        checks = _refusal(await prober.get("/health/ready"))["checks"]
        alive = await prober.get("/health/live")
    finally:
        servers.postgres.start()
    assert checks["postgresql"]["reason"].startswith("unreachable (")
    assert checks["schema"]["status"] == "down"
    assert checks["redis"] == UP
    assert alive.status_code == 200
    assert (await prober.get("/health/ready")).status_code == 200


async def test_without_redis_it_is_degraded_and_not_ready(
    servers: Servers, prober: httpx.AsyncClient
) -> None:
    servers.redis.stop()
    try:
        checks = _refusal(await prober.get("/health/ready"))["checks"]
        summary = (await prober.get("/health")).json()
    finally:
        servers.redis.start()
    assert checks["redis"]["reason"].startswith("unreachable (")
    assert checks["postgresql"] == UP
    assert (summary["status"], summary["condition"]) == ("up", "degraded")
    assert (await prober.get("/health/ready")).status_code == 200


async def test_without_the_redis_of_the_cache_it_is_degraded_and_ready_all_the_same(
    servers: Servers, empty_database_url: str
) -> None:
    addresses = {"url": servers.redis_url, "cache_url": f"redis://{NOBODY_LISTENS}/0"}
    application = create_app(settings_for(servers, empty_database_url, redis=addresses))
    async with inside(application) as http:
        ready = await http.get("/health/ready")
        summary = (await http.get("/health")).json()
        book = await http.get("/api/v1/books")
    await application.state.cache_redis.aclose()
    await application.state.redis.aclose()
    await application.state.database.close()
    assert (ready.status_code, ready.json()["checks"]["redis"]) == (200, UP)
    assert ready.json()["checks"]["redis_cache"]["reason"].startswith("unreachable (")
    assert (summary["status"], summary["condition"]) == ("up", "degraded")
    assert book.status_code == 200


async def test_servers_that_hang_are_asked_side_by_side_and_given_up() -> None:
    async with _silent_server() as server, _client(_settings(server.address)) as client:
        checks = _refusal(await client.get("/health/ready"))["checks"]
        summary = await client.get("/health")
        assert (await client.get("/health/live")).status_code == 200
    assert checks["postgresql"]["reason"] == checks["redis"]["reason"] == "no answer within 1.5 s"
    assert summary.json()["status"] == "down"
    assert server.most_at_once >= 2, "the second is not asked only after the first was given up"


async def test_reasons_tell_neither_address_nor_password() -> None:
    async with _client(_settings(NOBODY_LISTENS)) as client:
        answer = await client.get("/health/ready")
    _refusal(answer)
    for told in (SECRET, "nobody", NOBODY_LISTENS, "127.0.0.1"):
        assert told not in answer.text


async def test_a_wrong_password_is_a_reason_and_not_a_fault(
    servers: Servers, empty_database_url: str
) -> None:
    url = empty_database_url.replace("bookstore@", f"nobody:{SECRET}@")
    async with _client(settings_for(servers, url)) as client:
        answer = await client.get("/health/ready")
    assert "unreachable (" in _refusal(answer)["checks"]["postgresql"]["reason"]
    assert SECRET not in answer.text


async def test_strangers_learn_up_or_down_and_nothing_else(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller, moderator = await live_sign_up(), await live_sign_up(Role.MODERATOR)
    forged = {"X-Forwarded-Port": str(INTERNAL_PORT), "Host": f"testserver:{INTERNAL_PORT}"}
    for headers in ({}, seller.headers, moderator.headers, {"X-API-Key": "nobody's"}, forged):
        answers = [await live_client.get(path, headers=headers) for path in ENDPOINTS]
        assert tuple(answer.json() for answer in answers) == SECRETIVE
    servers.postgres.stop(immediate=True)
    try:
        down = await live_client.get("/health")
        refused = await live_client.get("/health/ready")
    finally:
        servers.postgres.start()
    assert down.json() == {"status": "down"}
    problem = _refusal(refused)
    assert set(problem) == {"type", "title", "status", "detail", "code", "instance", "request_id"}
    for name in ("postgresql", "redis", "schema", live_app.version):
        assert name not in (down.text + refused.text).lower()


async def test_who_may_read_jobs_is_told_all(
    live_client: httpx.AsyncClient, live_sign_up: SignUp, prober: httpx.AsyncClient
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    for path in ENDPOINTS:
        told = (await live_client.get(path, headers=admin.headers)).json()
        assert told.keys() == (await prober.get(path)).json().keys()
        assert len(told) > 1


async def test_an_operator_who_cannot_be_known_is_told_as_a_stranger(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    admin = await live_sign_up(Role.ADMIN)
    live_app.state.cache.connection_changed()
    servers.postgres.stop(immediate=True)
    try:
        answer = await live_client.get("/health", headers=admin.headers)
    finally:
        servers.postgres.start()
    assert (answer.status_code, answer.json()) == (200, {"status": "down"})


async def test_the_document_shows_the_refusal_with_its_checks(app: FastAPI) -> None:
    document = app.openapi()
    described = document["paths"]["/health/ready"]["get"]["responses"]["503"]["content"]
    assert "not-ready" in described["application/problem+json"]["examples"]
    example = document["components"]["examples"]["not-ready"]["value"]
    assert set(example["checks"]) == {"postgresql", "schema", "redis"}


def _refusal(answer: httpx.Response) -> dict[str, dict[str, dict[str, str]]]:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["code"] == "not-ready"
    body: dict[str, dict[str, dict[str, str]]] = answer.json()
    return body


def _settings(address: str) -> Settings:
    return Settings(
        environment="production",
        public_url=PUBLIC_URL,
        allowed={"hosts": "testserver"},
        internal_port=INTERNAL_PORT,
        database={"url": f"postgresql+asyncpg://nobody:{SECRET}@{address}/nowhere"},
        redis={"url": f"redis://nobody:{SECRET}@{address}/0"},
        jwt={"secret": "a-secret-of-the-test-suite-and-of-nothing-else"},
        log={"level": "ERROR"},
    )


@asynccontextmanager
async def _client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Of an application that was not started: what it needs is away from the beginning."""
    application = create_app(settings)
    try:
        async with inside(application) as http:
            yield http
    finally:
        await application.state.redis.aclose()
        await application.state.database.close()


@dataclass
class _Silence:
    address: str = ""
    connections: int = 0
    most_at_once: int = 0


@asynccontextmanager
async def _silent_server() -> AsyncIterator[_Silence]:
    """Accepts connections and never says a word."""
    ended, silence = asyncio.Event(), _Silence()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        silence.connections += 1
        silence.most_at_once = max(silence.most_at_once, silence.connections)
        gone = asyncio.ensure_future(reader.read())
        await asyncio.wait([gone, asyncio.ensure_future(ended.wait())], return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        silence.connections -= 1
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        silence.address = f"{host}:{port}"
        yield silence
    finally:
        ended.set()
        server.close()
        await server.wait_closed()
