"""`GZIP`: what the API compresses itself where no proxy does."""

import gzip
from collections.abc import AsyncIterator

import httpx
import pytest

from devstack import Servers
from tests.conftest import PASSWORD, DatabaseMaker, client_of, running_app, settings_for

BOOKS = "/api/v1/books"
TAKES_GZIP = {"Accept-Encoding": "br;q=0.5, gzip"}
FORM = {"username": "emma", "password": PASSWORD}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture
async def compressing(servers: Servers, make_database: DatabaseMaker) -> AsyncIterator[httpx.AsyncClient]:
    with make_database() as url:
        settings = settings_for(servers, url, gzip=True)
        async with running_app(settings) as app, client_of(app) as client:
            yield client


async def log_in(client: httpx.AsyncClient) -> dict[str, str]:
    account = {"username": "emma", "email": "emma@example.com", "password": PASSWORD}
    assert (await client.post("/api/v1/users/register", json=account)).status_code == 201
    token = (await client.post("/api/v1/auth/token", data=FORM)).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


async def raw(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> tuple[httpx.Response, bytes]:
    async with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join([part async for part in answer.aiter_raw()])


async def test_long_answers_are_compressed_for_who_takes_it(compressing: httpx.AsyncClient) -> None:
    plain, whole = await raw(compressing, "/openapi.json", PLAIN)
    assert "content-encoding" not in plain.headers
    answer, body = await raw(compressing, "/openapi.json", TAKES_GZIP)
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert int(answer.headers["content-length"]) == len(body) < len(whole) / 3
    assert gzip.decompress(body) == whole
    refusing, _ = await raw(compressing, "/openapi.json", {"Accept-Encoding": "identity, GZIP;q=0, x-gzip2"})
    assert "content-encoding" not in refusing.headers
    for each in (plain, answer):
        assert "accept-encoding" in each.headers["vary"].lower()


async def test_a_compressed_answer_has_a_weak_tag_that_still_saves_it(compressing: httpx.AsyncClient) -> None:
    seller = await log_in(compressing)
    book = {"title": "Emma", "price": 9.5, "description": "A long story. " * 200}
    assert (await compressing.post(BOOKS, json=book, headers=seller)).status_code == 201
    for path in (BOOKS, BOOKS, f"{BOOKS}/1", f"{BOOKS}/1"):
        plain, whole = await raw(compressing, path, PLAIN)
        answer, body = await raw(compressing, path, TAKES_GZIP)
        assert gzip.decompress(body) == whole
        assert answer.headers["etag"] == f"W/{plain.headers['etag']}"
        known = {**TAKES_GZIP, "If-None-Match": answer.headers["etag"]}
        assert (await compressing.get(path, headers=known)).status_code == 304
    again, _ = await raw(compressing, f"{BOOKS}/1", PLAIN)
    assert again.headers["etag"] == plain.headers["etag"], "what is kept for others is left as it is"


async def test_what_is_short_secret_or_compressed_already_stays_as_it_is(
    compressing: httpx.AsyncClient,
) -> None:
    short, _ = await raw(compressing, "/health/live", TAKES_GZIP)
    assert "content-encoding" not in short.headers
    await log_in(compressing)
    tokens = await compressing.post("/api/v1/auth/token", data=FORM, headers=TAKES_GZIP)
    assert (tokens.status_code, tokens.headers["cache-control"]) == (200, "no-store")
    assert "content-encoding" not in tokens.headers
    head = await compressing.head("/openapi.json", headers=TAKES_GZIP)
    assert (head.status_code, head.content) == (200, b"")


async def test_without_the_setting_nothing_is_compressed(client: httpx.AsyncClient) -> None:
    answer, _ = await raw(client, "/openapi.json", TAKES_GZIP)
    assert "content-encoding" not in answer.headers
