"""Lengths that books have: titles and subtitles of 500 characters, descriptions of 20,000, for every kind of item."""

import httpx
import pytest

from tests.catalog.imports.conftest import Importer, csv_of, importer, isbn_of
from tests.conftest import Caller
from tests.factories import a_book, an_item

__all__ = ["importer"]

WIDEST = ("x", "ß", "語", "😀", "\ufdfa", "ŉ")
"""Letters of one to four bytes, and such as folding makes into many."""


@pytest.mark.parametrize("letter", WIDEST)
async def test_the_longest_texts_fit_whatever_their_letters(
    client: httpx.AsyncClient, seller: Caller, letter: str
) -> None:
    long = {"title": letter * 500, "description": letter * 20_000}
    book = await a_book(client, seller, subtitle=letter * 500, author="Ann", **long)
    item = await an_item(client, seller, **long)
    for made in (book, item):
        assert (made["title"], made["description"]) == (letter * 500, letter * 20_000)
    assert book["subtitle"] == letter * 500
    for name in ("books", "items"):
        assert (await client.get(f"/api/v1/{name}", params={"sort": "title"})).status_code == 200


@pytest.mark.parametrize(("name", "limit"), [("title", 500), ("subtitle", 500), ("description", 20_000)])
async def test_one_more_is_refused_by_requests_and_told_by_imports(
    importer: Importer, name: str, limit: int
) -> None:
    fields = {"isbn": isbn_of(1), "title": "T", "price": 5}
    for resource in ("books",) if name == "subtitle" else ("books", "items"):
        extra = {"kind": "gift"} if resource == "items" else {"isbn": isbn_of(2)}
        body = {"title": "T", "price": 5} | extra | {name: "x" * (limit + 1)}
        answer = await importer.http.post(f"/api/v1/{resource}", json=body, headers=importer.caller.headers)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, name)
    job = await importer.finish(csv_of([fields | {name: "x" * (limit + 1)}]))
    (row,) = await importer.rows(job["id"])
    told = row["errors"] if name == "title" else row["warnings"]
    assert [(one["field"], one["type"]) for one in told] == [(name, "too_long")]
    job = await importer.finish(csv_of([fields | {name: "x" * limit}]))
    assert (job["counts"]["failed"], job["warned"]) == (0, 0)
    assert (await importer.book(isbn_of(1)))[name] == "x" * limit
