"""`Idempotency-Key`: what is sent twice happens once, whatever happens in between."""

import json
from typing import Any

import httpx
import pytest
from dirty_equals import IsStr
from fastapi import APIRouter, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.idempotency_keys import purge_idempotency_keys
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.identity.permissions import Role
from tests.catalog.imports.conftest import books_of, csv_of
from tests.conftest import PASSWORD, Caller, SignUp, client_of

BOOKS = "/api/v1/books"
AUTHORS = "/api/v1/authors"
BOOK = {"title": "Emma", "price": 9.5, "author": "Jane Austen"}
KEY = "6f1c7f0e-emma"
COUNT_BOOKS = text("SELECT count(*) FROM books")


def keyed(caller: Caller, key: str = KEY) -> dict[str, str]:
    return {**caller.headers, "Idempotency-Key": key}


async def test_the_same_request_again_has_the_same_answer_and_makes_nothing(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    first = await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    again = await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("location", "etag", "content-type", "cache-control", "content-length"):
        assert again.headers[name] == first.headers[name], name
        assert len(again.headers.get_list(name)) == 1
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert await session.scalar(COUNT_BOOKS) == 1
    other = await client.post(BOOKS, json=BOOK, headers=keyed(seller, "another"))
    assert other.json()["id"] != first.json()["id"]


async def test_what_json_says_counts_and_not_how_it_is_written(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    headers = {**keyed(seller), "Content-Type": "application/json"}
    first = await client.post(BOOKS, content=json.dumps(BOOK), headers=headers)
    turned = json.dumps(dict(reversed(BOOK.items())), indent=4)
    again = await client.post(BOOKS, content=turned, headers=headers)
    assert again.json() == first.json()
    assert await session.scalar(COUNT_BOOKS) == 1


async def test_another_request_with_the_same_key_is_refused(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    for body in ({**BOOK, "price": 9.6}, {"title": "Emma", "price": 9.5}):
        other = await client.post(BOOKS, json=body, headers=keyed(seller))
        assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert await session.scalar(COUNT_BOOKS) == 1


async def test_a_key_says_something_to_its_sender_on_its_route_alone(
    client: httpx.AsyncClient, seller: Caller, sign_up: SignUp
) -> None:
    mine = await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    theirs = await client.post(BOOKS, json=BOOK, headers=keyed(await sign_up()))
    assert theirs.status_code == 201
    assert theirs.json()["id"] != mine.json()["id"]
    item = await client.post("/api/v1/items", json={"title": "Pen", "price": 1}, headers=keyed(seller))
    assert (item.status_code, item.json()["title"]) == (201, "Pen")


async def test_who_may_not_is_told_so_before_any_answer_is_told_again(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    nobody = await client.post(BOOKS, json=BOOK, headers={"Idempotency-Key": KEY})
    assert nobody.status_code == 401
    await client.post("/api/v1/auth/logout-all", headers=seller.headers)
    gone = await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert gone.status_code == 401
    assert await session.scalar(COUNT_BOOKS) == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "tab\there", "caf\xe9"])
async def test_a_malformed_key_is_refused_by_name(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller, key: str
) -> None:
    lines = [(name.encode(), value.encode("latin-1")) for name, value in keyed(seller, key).items()]
    answer = await client.post(BOOKS, json=BOOK, headers=lines)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await session.scalar(COUNT_BOOKS) == 0


async def test_two_keys_are_refused_and_one_of_255_characters_is_not(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    lines = [*seller.headers.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await client.post(BOOKS, json=BOOK, headers=lines)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "Idempotency-Key")
    assert (await client.post(BOOKS, json=BOOK, headers=keyed(seller, '"~ ' + "k" * 252))).status_code == 201


async def test_a_refusal_of_the_shop_is_kept_though_it_wrote_nothing(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = {**BOOK, "isbn": "9780439023481"}
    first = await client.post(BOOKS, json=book, headers=seller.headers)
    refused = await client.post(BOOKS, json=book, headers=keyed(seller))
    assert (refused.status_code, refused.json()["code"]) == (409, "isbn-taken")
    await client.delete(first.headers["location"], headers=seller.headers)
    again = await client.post(BOOKS, json=book, headers=keyed(seller))
    assert (again.status_code, again.content) == (409, refused.content)
    assert again.headers["content-type"] == "application/problem+json"
    assert again.headers["idempotent-replayed"] == "true"
    assert (await client.post(BOOKS, json=book, headers=keyed(seller, "new"))).status_code == 201


@pytest.mark.parametrize("body", [{"title": "Emma"}, {**BOOK, "price": -1}, {**BOOK, "unknown": 1}])
async def test_what_was_malformed_may_be_mended_under_the_same_key(
    client: httpx.AsyncClient, seller: Caller, body: dict[str, Any]
) -> None:
    refused = await client.post(BOOKS, json=body, headers=keyed(seller))
    assert (refused.status_code, refused.json()["code"]) == (422, "validation")
    mended = await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (mended.status_code, "idempotent-replayed" in mended.headers) == (201, False)


async def test_a_missing_permission_is_not_kept(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    refused = await client.post(AUTHORS, json={"name": "Jane Austen"}, headers=keyed(seller))
    assert refused.status_code == 403
    assert await session.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0


async def test_a_request_without_the_header_leaves_no_key(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    for _ in range(2):
        assert (await client.post(BOOKS, json=BOOK, headers=seller.headers)).status_code == 201
    assert await session.scalar(text("SELECT count(*) FROM idempotency_keys")) == 0


async def test_registration_is_remembered_for_its_address(app: FastAPI, client: httpx.AsyncClient) -> None:
    account = {"username": "emma", "email": "emma@example.com", "password": PASSWORD}
    path = "/api/v1/users/register"
    first = await client.post(path, json=account, headers={"Idempotency-Key": KEY})
    again = await client.post(path, json=account, headers={"Idempotency-Key": KEY})
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.content == first.content
    async with client_of(app, "192.0.2.77") as elsewhere:
        stranger = await elsewhere.post(path, json=account, headers={"Idempotency-Key": KEY})
    assert (stranger.status_code, stranger.json()["code"]) == (409, "email-taken")


async def test_a_new_secret_is_shown_again_to_its_owner_and_stands_nowhere_in_clear(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    keys, body = "/api/v1/api-keys", {"name": "import", "scopes": ["items:write"]}
    first = await client.post(keys, json=body, headers=keyed(seller))
    again = await client.post(keys, json=body, headers=keyed(seller))
    assert first.status_code == 201, first.text
    assert again.json() == first.json() == first.json() | {"api_key": IsStr(regex="bk_.+")}
    assert (await client.get(keys, headers=seller.headers)).json()["total"] == 1
    stored = await session.scalar(text("SELECT idempotency_keys::text FROM idempotency_keys"))
    for secret in (first.json()["api_key"], KEY):
        assert secret.encode().hex() not in str(stored)
        assert secret not in str(stored)


async def test_a_file_is_the_same_though_its_form_has_another_boundary(
    client: httpx.AsyncClient, session: AsyncSession, sign_up: SignUp
) -> None:
    staff = await sign_up(Role.MODERATOR)
    content = csv_of(books_of(3000))

    async def send(file: bytes, boundary: str, piece: int) -> httpx.Response:
        form = httpx.Request(
            "POST",
            "http://x",
            files={"file": ("books.csv", file)},
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        ).read()

        async def pieces() -> Any:
            for start in range(0, len(form), piece):
                yield form[start : start + piece]

        headers = {**keyed(staff), "Content-Type": f"multipart/form-data; boundary={boundary}"}
        return await client.post("/api/v1/admin/imports", content=pieces(), headers=headers)

    first = await send(content, "one-boundary", 1000)
    again = await send(content, "quite-another-boundary", 7)
    assert (first.status_code, again.status_code) == (202, 202), first.text
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]
    other = await send(content + b"\n", "one-boundary", 1000)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert await session.scalar(text("SELECT count(*) FROM import_jobs")) == 1


async def test_a_file_that_was_refused_may_be_sent_mended(client: httpx.AsyncClient, sign_up: SignUp) -> None:
    staff = await sign_up(Role.MODERATOR)
    path = "/api/v1/admin/imports"
    broken = await client.post(
        path,
        content=b"--x\r\nno form",
        headers={**keyed(staff), "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert broken.status_code in {400, 422}
    files = {"file": ("books.csv", csv_of(books_of(1)))}
    assert (await client.post(path, files=files, headers=keyed(staff))).status_code == 202


async def test_keys_are_forgotten_after_a_day(
    client: httpx.AsyncClient, session: AsyncSession, seller: Caller
) -> None:
    await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert await purge_idempotency_keys(session) == 0
    await session.execute(text("UPDATE idempotency_keys SET expires_at = now() - interval '1 s'"))
    await session.commit()
    anew = await client.post(BOOKS, json=BOOK, headers=keyed(seller))
    assert (anew.status_code, "idempotent-replayed" in anew.headers) == (201, False)
    assert await session.scalar(COUNT_BOOKS) == 2
    await session.execute(text("UPDATE idempotency_keys SET expires_at = now() - interval '1 s'"))
    assert await purge_idempotency_keys(session) == 1


async def test_a_route_that_needs_a_key_says_so(live_app: FastAPI, live_client: httpx.AsyncClient) -> None:
    router = APIRouter(route_class=IdempotentRoute)
    made: list[int] = []

    @router.post("/orders", status_code=201, dependencies=[IDEMPOTENCY_KEY_REQUIRED])
    async def order() -> dict[str, int]:
        made.append(1)
        return {"number": len(made)}

    live_app.router.routes.append(router.routes[0])
    missing = await live_client.post("/orders")
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency-key-missing")
    answers = [await live_client.post("/orders", headers={"Idempotency-Key": KEY}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"number": 1}, {"number": 1}]
