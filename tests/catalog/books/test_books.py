"""Books over HTTP: writing, reading, who may, bad input."""

import asyncio
from typing import Any

import httpx
import pytest
from dirty_equals import IsInt, IsStr
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.conftest import Caller, SignUp, client_of
from tests.factories import made

BOOKS = "/api/v1/books"
SIMPLE = {
    "title": "The Hobbit",
    "author": "J.R.R. Tolkien",
    "isbn": "0-261-10221-4",
    "price": 12.5,
    "description": "There and back again.",
}


async def create(client: httpx.AsyncClient, caller: Caller, **fields: object) -> dict[str, Any]:
    return await made(client, caller, BOOKS, {**SIMPLE, **fields})


async def test_the_simple_payload_creates_a_book(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await client.post(BOOKS, json=SIMPLE, headers=seller.headers)
    assert answer.status_code == 201
    book = answer.json()
    assert answer.headers["location"] == f"{BOOKS}/{book['id']}"
    assert answer.headers["etag"] == '"1.1.1"'
    read = await client.get(answer.headers["location"], headers=seller.headers)
    assert (read.json(), read.headers["etag"]) == (book, answer.headers["etag"])
    assert book == WHOLE | {"owner_id": seller.id, "is_active": True, "on_hand": 0, "reserved": 0, "views": 0}


WHOLE = {
    "id": IsInt(gt=0),
    "kind": "book",
    "sku": None,
    "title": "The Hobbit",
    "description": "There and back again.",
    "price": 12.5,
    "currency": "EUR",
    "quantity": 0,
    "sale_policy": "in_stock",
    "on_sale_at": None,
    "weight_grams": None,
    "tags": [],
    "version": 1,
    "created_at": IsStr(regex=r".*Z"),
    "updated_at": IsStr(regex=r".*Z"),
    "isbn": "9780261102217",
    "isbn10": "0261102214",
    "author": "J.R.R. Tolkien",
    "contributors": [{"author_id": IsInt(gt=0), "name": "J.R.R. Tolkien", "role": "author", "position": 1}],
    "title_sort": "Hobbit",
    "subtitle": None,
    "edition_statement": None,
    "publisher": None,
    "published_on": None,
    "published_precision": None,
    "first_published": None,
    "language": None,
    "format": None,
    "pages": None,
    "series_id": None,
    "series": None,
    "series_position": None,
    "is_price_fixed": False,
    "supplier_availability": None,
    "supplier_expected_on": None,
    "categories": [],
    "subjects": [],
    "work_id": IsInt(gt=0),
    "cover": None,
    "pictures": [],
    "lowest_price_30d": None,
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"is_price_fixed": None},
        {"is_price_fixed": "perhaps"},
        {"supplier_availability": "sold out"},
        {"supplier_expected_on": "soon"},
    ],
)
async def test_supplier_and_fixed_price_have_their_shape(
    client: httpx.AsyncClient, seller: Caller, wrong: dict[str, Any]
) -> None:
    answer = await client.post(BOOKS, json=SIMPLE | wrong, headers=seller.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(wrong))


async def test_a_full_book_comes_back_as_it_was_sent(client: httpx.AsyncClient, seller: Caller) -> None:
    sent = {
        "title": "Die Gefährten",
        "isbn": "9783608939811",
        "price": 24.9,
        "quantity": 7,
        "sku": "BK-000042",
        "tags": ["Fantasy", "fantasy", "KLASSIKER"],
        "subtitle": "Der Herr der Ringe 1",
        "edition_statement": "3. Auflage",
        "publisher": "Klett-Cotta",
        "published_on": "2012-09",
        "first_published": 1954,
        "language": "DE-de",
        "format": "hardcover",
        "pages": 608,
        "series": "Der Herr der Ringe",
        "series_position": "1",
        "contributors": [
            {"name": "Wolfgang Krege", "role": "translator", "position": 2},
            {"name": "J.R.R. Tolkien", "position": 1},
        ],
    }
    answer = await client.post(BOOKS, json=sent, headers=seller.headers)
    assert answer.status_code == 201
    book = answer.json()
    assert {name: book[name] for name in sent if name != "contributors"} == {
        **{name: value for name, value in sent.items() if name != "contributors"},
        "tags": ["fantasy", "klassiker"],
        "language": "de-DE",
    }
    assert book["published_precision"] == "month"
    assert [(one["name"], one["role"], one["position"]) for one in book["contributors"]] == [
        ("J.R.R. Tolkien", "author", 1),
        ("Wolfgang Krege", "translator", 2),
    ]


@pytest.mark.parametrize("form", ["9780261102217", "0261102214", "978-0-261-10221-7", "978–0 261‐10221 7"])
async def test_any_form_of_the_isbn_finds_the_book(
    client: httpx.AsyncClient, seller: Caller, form: str
) -> None:
    book = await create(client, seller)
    found = await client.get(f"{BOOKS}/isbn/{form}")
    assert found.status_code == 200
    assert found.json()["id"] == book["id"]


async def test_unknown_books_and_bad_isbns_are_told_apart(client: httpx.AsyncClient) -> None:
    for path, status, code in (
        (f"{BOOKS}/999999", 404, "book-not-found"),
        (f"{BOOKS}/isbn/9780261102217", 404, "book-not-found"),
        (f"{BOOKS}/isbn/9780261102218", 422, "invalid-isbn"),
        (f"{BOOKS}/0", 422, "validation"),
        (f"{BOOKS}/{2**63}", 422, "validation"),
        (f"{BOOKS}/x", 422, "validation"),
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_second_book_with_the_isbn_is_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    await create(client, seller)
    answer = await client.post(BOOKS, json={**SIMPLE, "isbn": "9780261102217"}, headers=seller.headers)
    assert answer.status_code == 409
    assert answer.json()["code"] == "isbn-taken"
    assert answer.json()["errors"][0]["field"] == "isbn"


async def test_of_twenty_clients_that_post_one_isbn_one_wins(live_app: FastAPI, live_sign_up: SignUp) -> None:
    seller = await live_sign_up()
    async with client_of(live_app) as client:
        answers = await asyncio.gather(
            *(client.post(BOOKS, json=SIMPLE, headers=seller.headers) for _ in range(20))
        )
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"isbn-taken"}
        assert (await client.get(BOOKS)).json()["total"] == 1
        assert (await client.get("/api/v1/items")).json()["total"] == 1


async def test_only_the_owner_or_a_moderator_may_change_or_delete(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, sign_up: SignUp
) -> None:
    path = f"{BOOKS}/{(await create(client, seller))['id']}"
    stranger = await sign_up()
    for method, body in (("PUT", SIMPLE), ("PATCH", {"price": 1}), ("DELETE", None)):
        refused = await client.request(method, path, json=body, headers=stranger.headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "not-your-item")
        anonymous = await client.request(method, path, json=body)
        assert (anonymous.status_code, anonymous.json()["code"]) == (401, "not-authenticated")
    assert (await client.patch(path, json={"price": 1}, headers=moderator.headers)).status_code == 200
    assert (await client.delete(path, headers=seller.headers)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path, headers=seller.headers)).status_code == 404


async def test_put_replaces_everything_and_patch_only_what_is_sent(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await create(client, seller, quantity=5, tags=["a"], series="Middle-earth", series_position="1.5")
    path = f"{BOOKS}/{book['id']}"
    patched = await client.patch(
        path, json={"price": 9.99, "description": None, "series": None}, headers=seller.headers
    )
    changed = {"price": 9.99, "description": None, "series": None, "series_position": None, "version": 2}
    changed |= {"series_id": None, "lowest_price_30d": 12.5}
    assert patched.json() == {**book, **changed, "updated_at": IsStr()}
    replaced = await client.put(path, json={"title": "Bilbo", "price": 3}, headers=seller.headers)
    assert replaced.status_code == 200
    body = replaced.json()
    assert (body["title"], body["isbn"], body["contributors"], body["tags"], body["quantity"]) == (
        "Bilbo",
        None,
        [],
        [],
        0,
    )
    assert (await client.get(path, headers=seller.headers)).json() == body


async def test_an_empty_patch_changes_nothing_and_null_is_refused_where_it_has_no_meaning(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await create(client, seller)
    path = f"{BOOKS}/{book['id']}"
    untouched = await client.patch(path, json={}, headers=seller.headers)
    assert untouched.status_code == 200
    assert untouched.json() == book
    for field in ("title", "quantity", "tags", "category_ids"):
        refused = await client.patch(path, json={field: None}, headers=seller.headers)
        assert refused.status_code == 422, field
        assert refused.json()["errors"][0]["field"].startswith(field)


async def test_the_second_of_two_writers_who_read_the_same_version_is_told_so(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await create(client, seller)
    path = f"{BOOKS}/{book['id']}"
    etag = (await client.get(path)).headers["etag"]
    headers = {**seller.headers, "If-Match": etag}
    assert (await client.patch(path, json={"quantity": 3}, headers=headers)).status_code == 200
    for method, body in (("PATCH", {"quantity": 4}), ("PUT", SIMPLE), ("DELETE", None)):
        stale = await client.request(method, path, json=body, headers=headers)
        assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
        assert stale.json()["current_version"] == 2
    weak = {**seller.headers, "If-Match": 'W/"2.999", "77"'}
    assert (await client.patch(path, json={"quantity": 5}, headers=weak)).status_code == 200
    anything = {**seller.headers, "If-Match": "*"}
    assert (await client.delete(path, headers=anything)).status_code == 204


async def test_of_two_concurrent_writers_with_one_etag_one_gets_412(
    live_app: FastAPI, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    async with client_of(live_app) as client:
        book = await create(client, seller)
        headers = {**seller.headers, "If-Match": '"1"'}
        path = f"{BOOKS}/{book['id']}"
        answers = await asyncio.gather(
            *(client.patch(path, json={"price": price}, headers=headers) for price in range(1, 11))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9


async def test_a_known_tag_answers_304_without_a_body(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller)
    for path in (f"{BOOKS}/{book['id']}", BOOKS, f"{BOOKS}/isbn/{book['isbn']}"):
        first = await client.get(path)
        etag = first.headers["etag"]
        for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            again = await client.get(path, headers={"If-None-Match": header})
            assert (again.status_code, again.content) == (304, b""), (path, header)
            assert again.headers["etag"] == etag
        other = await client.get(path, headers={"If-None-Match": '"x"'})
        assert other.json() == first.json()


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"contributors": [{"author_id": 999999}]}, "unknown-author"),
        ({"category_ids": [999999]}, "unknown-category"),
        ({"author": "Ada; ADA"}, "duplicate-contributor"),
    ],
)
async def test_references_to_nothing_are_conflicts_that_leave_nothing(
    client: httpx.AsyncClient, seller: Caller, extra: dict[str, object], code: str
) -> None:
    answer = await client.post(BOOKS, json={"title": "T", "price": 1, **extra}, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert (await client.get(BOOKS)).json()["total"] == 0


async def test_every_change_of_stock_is_in_the_ledger(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    path = f"{BOOKS}/{(await create(client, seller, quantity=5))['id']}"
    await client.patch(path, json={"quantity": 8}, headers=seller.headers)
    await client.patch(path, json={"quantity": 8, "price": 2}, headers=seller.headers)
    await client.patch(path, json={"quantity": 1}, headers=seller.headers)
    ledger = await session.execute(text("SELECT delta, balance_after, kind FROM stock_movements ORDER BY id"))
    assert [tuple(row) for row in ledger] == [(5, 5, "initial"), (3, 8, "adjustment"), (-7, 1, "adjustment")]


async def test_stock_cannot_fall_below_what_is_reserved_through_zero(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    book = await create(client, seller, quantity=5)
    await session.execute(text("UPDATE stock_levels SET reserved = 2"))
    await session.commit()
    path = f"{BOOKS}/{book['id']}"
    answer = await client.patch(path, json={"quantity": 0}, headers=seller.headers)
    assert answer.json()["quantity"] == 0
    level = (await session.execute(text("SELECT on_hand, reserved FROM stock_levels"))).one()
    assert tuple(level) == (2, 2)
