"""What every answer promises: problems, request ids, security headers, CORS, limits."""

import asyncio
import gzip
import json
import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.http.middleware import SECURITY_HEADERS
from devstack import Servers
from tests.conftest import PASSWORD, Caller, DatabaseMaker, client_of, running_app, settings_for

BOOKS = "/api/v1/books"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "no-such-route"),
        ("GET", "/api/v1/books/", 404, "no-such-route"),
        ("DELETE", BOOKS, 405, "method-not-allowed"),
        ("GET", "/api/v1/books/999999", 404, "book-not-found"),
        ("POST", BOOKS, 401, "not-authenticated"),
    ],
)
async def test_every_refusal_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"/problems/{code}"
    assert problem["instance"] == path
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert problem["title"]
    assert problem["detail"]


async def test_a_wrong_method_is_told_the_right_ones(client: httpx.AsyncClient) -> None:
    answer = await client.delete(BOOKS)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b'{"title": ', "application/json", 422, "validation"),
        (b"\xff\xfe", "application/json", 422, "validation"),
        (b'{"title": "T", "price": 1}', "text/plain", 415, "unsupported-media-type"),
        (b'{"title": "T", "price": 1}', "", 415, "unsupported-media-type"),
        (b"title=T&price=1", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b"[]", "application/json", 422, "validation"),
        (b'"text"', "application/json", 422, "validation"),
        (b"", "application/json", 422, "validation"),
        (b"[" * 100_000, "application/json", 400, "bad-request"),
        (b'{"title": "' + b"x" * 2 * 1024 * 1024 + b'"}', "application/json", 413, "body-too-large"),
    ],
    ids=["broken", "not-utf8", "text", "untyped", "form", "array", "string", "empty", "deep", "2MiB"],
)
async def test_bodies_that_are_not_what_they_should_be_are_refused(
    client: httpx.AsyncClient, seller: Caller, content: bytes, media_type: str, status: int, code: str
) -> None:
    headers = {**seller.headers, **({"Content-Type": media_type} if media_type else {})}
    answer = await client.post(BOOKS, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_was_compressed_is_told_to_come_as_it_is(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    body = gzip.compress(b'{"title": "T", "price": 1}')
    headers = {**seller.headers, "Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await client.post(BOOKS, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    assert "Content-Encoding" in answer.json()["detail"]
    assert answer.headers["accept-encoding"] == "identity"


async def test_a_login_as_json_is_told_to_send_a_form(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/auth/token", json={"username": "a", "password": "b"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")
    assert "x-www-form-urlencoded" in answer.json()["detail"]


async def test_a_streamed_body_is_cut_at_the_limit(client: httpx.AsyncClient, seller: Caller) -> None:
    async def endless() -> Any:
        for _ in range(64):
            yield b"x" * 65_536

    headers = {**seller.headers, "Content-Type": "application/json"}
    answer = await client.post(BOOKS, content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.parametrize(
    ("sent", "is_kept"),
    [("0b6f0ecf-3d3c", True), ("short", False), ("a" * 129, False), ("with space", False), ("é" * 9, False)],
)
async def test_a_valid_request_id_is_kept_and_any_other_replaced(
    client: httpx.AsyncClient, sent: str, *, is_kept: bool
) -> None:
    answer = await client.get(BOOKS, headers={b"x-request-id": sent.encode()})
    assert (answer.headers["x-request-id"] == sent) is is_kept
    assert len(answer.headers["x-request-id"]) >= 8


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient, seller: Caller) -> None:
    paths = (BOOKS, BOOKS, "/nowhere", "/api/v1/users/me", "/docs", "/openapi.json")
    for path in paths:
        answer = await client.get(path, headers=seller.headers)
        for name in SECURITY_HEADERS:
            assert len(answer.headers.get_list(name)) == 1, (path, name)
        assert answer.headers["strict-transport-security"]


async def test_every_answer_says_how_many_seconds_it_took(client: httpx.AsyncClient, seller: Caller) -> None:
    for path in (BOOKS, BOOKS, f"{BOOKS}/999999", "/nowhere", "/api/v1/users/me", "/docs"):
        answer = await client.get(path, headers=seller.headers)
        [seconds] = answer.headers.get_list("x-process-time")
        assert re.fullmatch(r"\d+\.\d{6}", seconds), path
        assert 0 < float(seconds) < 60
    unknown = await client.request("BREW", BOOKS)
    assert (unknown.status_code, "x-process-time" in unknown.headers) == (405, True)


async def test_cors_answers_listed_origins_only(servers: Servers, make_database: DatabaseMaker) -> None:
    origin = "https://shop.example.com"
    with make_database() as url:
        settings = settings_for(servers, url, cors={"origins": f"{origin}, http://localhost:5173/"})
        async with running_app(settings) as app, client_of(app) as client:
            for path in (BOOKS, BOOKS, "/nowhere", "/api/v1/users/me"):
                allowed = await client.get(path, headers={"Origin": origin})
                assert allowed.headers["access-control-allow-origin"] == origin
                assert allowed.headers["access-control-allow-credentials"] == "true"
                exposed = allowed.headers["access-control-expose-headers"]
                assert {
                    "Content-Disposition",
                    "ETag",
                    "Idempotent-Replayed",
                    "Link",
                    "Location",
                    "RateLimit",
                    "Retry-After",
                    "WWW-Authenticate",
                    "X-Process-Time",
                    "X-Request-ID",
                } <= {name.strip() for name in exposed.split(",")}
                for headers in ({"Origin": origin}, {"Origin": "https://evil.example.com"}, {}):
                    vary = (await client.get(path, headers=headers)).headers["vary"]
                    assert [name.strip() for name in vary.split(",")].count("Origin") == 1, (path, headers)
            for stranger in ("https://evil.example.com", "null", "https://shop.example.com.evil.com"):
                refused = await client.get(BOOKS, headers={"Origin": stranger})
                assert not [name for name in refused.headers if name.startswith("access-control-")]
            preflight = await client.options(
                BOOKS,
                headers={
                    "Origin": origin,
                    "Access-Control-Request-Method": "PATCH",
                    "Access-Control-Request-Headers": "authorization, if-match",
                },
            )
            assert preflight.status_code == 200
            assert preflight.headers["access-control-max-age"] == "600"


async def test_a_client_that_asks_too_often_is_told_when_to_come_back(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1})
        async with running_app(settings) as app:
            form = {"username": "nobody", "password": PASSWORD}
            async with client_of(app, "192.0.2.1") as client:
                answers = [await client.post("/api/v1/auth/token", data=form) for _ in range(6)]
            assert [answer.status_code for answer in answers] == [401] * 5 + [429]
            assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == [*"43210", "0"]
            refused = answers[-1]
            assert refused.json()["code"] == "rate-limited"
            assert 0 < int(refused.headers["retry-after"]) <= 60
            assert refused.headers["ratelimit-policy"] == '"login";q=5;w=60'
            async with client_of(app, "192.0.2.2") as other:
                assert (await other.post("/api/v1/auth/token", data=form)).status_code == 401
            async with client_of(app, "2001:db8::1") as first, client_of(app, "2001:db8::2") as second:
                for _ in range(5):
                    await first.post("/api/v1/auth/token", data=form)
                assert (await second.post("/api/v1/auth/token", data=form)).status_code == 429


async def test_limits_hold_in_the_worker_while_redis_is_away(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1})
        async with running_app(settings) as app, client_of(app, "192.0.2.9") as client:
            servers.redis.stop()
            try:
                form = {"username": "nobody", "password": PASSWORD}
                answers = [await client.post("/api/v1/auth/token", data=form) for _ in range(6)]
            finally:
                servers.redis.start()
            assert [answer.status_code for answer in answers] == [401] * 5 + [429]


async def test_postgres_gone_is_503_and_recovers_by_itself(
    servers: Servers, live_client: httpx.AsyncClient
) -> None:
    assert (await live_client.get(BOOKS)).status_code == 200
    servers.postgres.stop(immediate=True)
    try:
        assert (await live_client.get(BOOKS)).status_code == 200, "what the cache holds is still true"
        for path in (f"{BOOKS}?limit=7", f"{BOOKS}/1"):
            answer = await live_client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["retry-after"]) > 0
    finally:
        servers.postgres.start()
    assert (await live_client.get(f"{BOOKS}?limit=7")).status_code == 200


async def test_postgres_stopped_in_the_middle_of_a_request_is_503_and_leaves_nothing(
    servers: Servers, live_app: FastAPI, live_client: httpx.AsyncClient, live_sign_up: Any
) -> None:
    seller: Caller = await live_sign_up()
    blocker = await live_app.state.database.engine.connect()
    await blocker.execute(text("LOCK TABLE books IN ACCESS EXCLUSIVE MODE"))
    body = {"title": "T", "price": 1, "author": "A"}
    writing = asyncio.create_task(live_client.post(BOOKS, json=body, headers=seller.headers))
    await asyncio.sleep(0.3)
    assert not writing.done()
    await asyncio.to_thread(servers.postgres.stop, immediate=True)
    try:
        answer = await writing
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        await blocker.invalidate()
        await blocker.close()
    finally:
        await asyncio.to_thread(servers.postgres.start)
    listed = await live_client.get("/api/v1/items")
    assert (listed.status_code, listed.json()["total"]) == (200, 0)
    assert (await live_client.post(BOOKS, json=body, headers=seller.headers)).status_code == 201


async def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    client: httpx.AsyncClient, session: AsyncSession
) -> None:
    await session.execute(text("SAVEPOINT before_sabotage"))
    await session.execute(text("ALTER TABLE items RENAME COLUMN title TO heading"))
    await session.commit()
    answer = await client.get(BOOKS)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "heading" not in answer.text
    assert "SELECT" not in answer.text


async def test_the_answer_is_sent_after_the_commit(live_app: FastAPI, live_sign_up: Any) -> None:
    """A client that has its 201 may read its write through any connection."""
    seller: Caller = await live_sign_up()
    events: list[str] = []
    engine = live_app.state.database.engine.sync_engine

    def note_commit(*_: object) -> None:
        events.append("commit")

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def noting_send(message: Any) -> None:
            events.append(message["type"])
            await send(message)

        await live_app(scope, receive, noting_send)

    event.listen(engine, "commit", note_commit)
    transport = httpx.ASGITransport(noting)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answer = await client.post(BOOKS, json={"title": "T", "price": 1}, headers=seller.headers)
    assert answer.status_code == 201
    assert events == ["commit", "http.response.start", "http.response.body"]


async def test_openapi_describes_errors_as_they_are(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in json.dumps(document)
    create = document["paths"][BOOKS]["post"]
    assert {"201", "401", "403", "409", "413", "415", "422", "500", "503"} <= set(create["responses"])
    examples = create["responses"]["409"]["content"]["application/problem+json"]["examples"]
    assert {"isbn-taken", "sku-taken"} <= set(examples)


async def test_docs_are_off_in_production_unless_enabled(
    servers: Servers, make_database: DatabaseMaker
) -> None:
    with make_database() as url:
        async with (
            running_app(settings_for(servers, url, docs_enabled=None)) as app,
            client_of(app) as client,
        ):
            for path in ("/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui.css"):
                assert (await client.get(path)).status_code == 404
