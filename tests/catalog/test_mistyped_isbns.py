"""ISBNs in ordinary dress and mistyped ones, at every door: files, addresses and searches."""

import httpx
import pytest

from tests.catalog.formats.onix.messages import descriptive, message, product
from tests.catalog.imports.conftest import Importer, csv_of, importer
from tests.conftest import Caller
from tests.factories import a_book

__all__ = ["importer"]

HOBBIT = "9780261102217"
DRESSED = (
    "[9780261102217]",
    "9780261102217 (pbk.)",
    "urn:isbn:9780261102217",
    '="9780261102217"',
    "ISBN-13: 978-0-261-10221-7",
)
MISTYPED = ("9780261102218", "9780261102271", "978-0-261-10212-7", "0261102215", "9780261102218 (pbk.)")


@pytest.mark.parametrize("dressed", DRESSED)
async def test_one_isbn_in_a_text_is_that_isbn_everywhere(importer: Importer, dressed: str) -> None:
    job = await importer.finish(csv_of([{"isbn": dressed, "title": "The Hobbit"}]))
    assert job["counts"]["created"] == 1, await importer.rows(job["id"])
    for asked in (dressed, f"The Hobbit, {dressed}"):
        found = (await importer.http.get("/api/v1/search", params={"q": asked})).json()
        assert [(one["isbn"], one["match"]) for one in found["items"]] == [(HOBBIT, "exact")]
        listed = (await importer.http.get("/api/v1/books", params={"search": asked})).json()
        assert [one["isbn"] for one in listed["items"]] == [HOBBIT]
    made = {"title": "Again", "price": 5, "isbn": dressed}
    answer = await importer.http.post("/api/v1/books", json=made, headers=importer.caller.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "isbn-taken")


@pytest.mark.parametrize("typed", MISTYPED)
async def test_a_mistyped_isbn_says_so_and_offers_what_the_shop_has(importer: Importer, typed: str) -> None:
    await a_book(importer.http, importer.caller, "The Hobbit", isbn=HOBBIT)
    await a_book(importer.http, importer.caller, "Another", isbn="9780439023481")
    found = (await importer.http.get("/api/v1/search", params={"q": typed})).json()
    assert "check digit" in found["mistyped_isbn"]["message"]
    assert found["mistyped_isbn"]["suggestions"] == [HOBBIT]
    answer = await importer.http.get(f"/api/v1/books/isbn/{typed}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-isbn")
    assert answer.json()["suggestions"] == [HOBBIT]
    assert HOBBIT in answer.json()["errors"][0]["message"]
    job = await importer.finish(csv_of([{"isbn": typed, "title": "The Hobbit"}]))
    (row,) = await importer.rows(job["id"])
    assert [(one["field"], one["type"]) for one in row["errors"]] == [("isbn", "invalid-isbn")]
    assert row["errors"][0]["message"].endswith(f"wrong; the shop has {HOBBIT}")
    errors = await importer.get(f"/{job['id']}/errors.csv")
    assert HOBBIT in errors.text


async def test_a_mistyped_isbn_of_onix_offers_too(importer: Importer) -> None:
    await a_book(importer.http, importer.caller, "The Hobbit", isbn=HOBBIT)
    job = await importer.finish(
        message(product(descriptive(), isbn="9780261102218")).encode(), filename="feed.xml"
    )
    (row,) = await importer.rows(job["id"])
    assert row["errors"][0]["message"].endswith(f"the shop has {HOBBIT}")


async def test_nothing_is_offered_that_the_shop_has_not_or_does_not_sell(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    book = await a_book(client, moderator, "The Hobbit", isbn=HOBBIT)
    path = f"/api/v1/books/{book['id']}"
    answer = await client.patch(path, json={"is_active": False}, headers=moderator.headers)
    assert answer.status_code == 200, answer.text
    found = (await client.get("/api/v1/search", params={"q": "9780261102218"})).json()
    assert found["mistyped_isbn"]["suggestions"] == []
    for text in ("hobbit", HOBBIT, "1984", "97802611022", "B000123456"):
        found = (await client.get("/api/v1/search", params={"q": text})).json()
        assert found["mistyped_isbn"] is None, text
