"""Related books over HTTP."""

from typing import Any

import httpx
import pytest

from tests.conftest import Caller
from tests.factories import a_book

BOOKS = "/api/v1/books"

Reasons = list[tuple[str, str]]


async def related(client: httpx.AsyncClient, book: dict[str, Any], query: str = "") -> Reasons:
    answer = await client.get(f"{BOOKS}/{book['id']}/related?{query}")
    assert answer.status_code == 200, answer.text
    return [(one["title"], one["reason"]) for one in answer.json()["items"]]


async def test_series_in_order_then_author_then_category(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    fantasy = (
        await client.post("/api/v1/categories", json={"name": "Fantasy"}, headers=moderator.headers)
    ).json()["id"]
    shelf = {"category_ids": [fantasy]}
    series = {"series": "Earthsea", "author": "Ursula K. Le Guin", **shelf}
    await a_book(client, seller, title="Before", author="Somebody", **shelf)
    third = await a_book(client, seller, title="The Farthest Shore", series_position="3", **series)
    first = await a_book(client, seller, title="A Wizard of Earthsea", series_position="1", **series)
    await a_book(client, seller, title="Tales", **series)
    await a_book(client, seller, title="The Tombs of Atuan", series_position="2", **series)
    await a_book(client, seller, title="Sold Out", author="Ursula K. Le Guin")
    await a_book(client, seller, title="In Stock", author="Ursula K. Le Guin", quantity=1)
    await a_book(client, seller, title="After", author="Somebody", **shelf)
    await a_book(client, seller, title="Elsewhere", author="Somebody")
    assert await related(client, first) == [
        ("The Tombs of Atuan", "series"),
        ("The Farthest Shore", "series"),
        ("Tales", "series"),
        ("In Stock", "author"),
        ("Sold Out", "author"),
        ("Before", "category"),
        ("After", "category"),
    ]
    assert await related(client, third, "limit=2") == [
        ("A Wizard of Earthsea", "series"),
        ("The Tombs of Atuan", "series"),
    ]


async def test_no_edition_of_the_same_work_and_one_of_each_other_work(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    dune = {"title": "Dune", "author": "Frank Herbert", "series": "Dune"}
    book = await a_book(client, seller, format="hardcover", **dune)
    other = await a_book(client, seller, format="paperback", **dune)
    assert book["work_id"] == other["work_id"]
    for kind in ("hardcover", "ebook"):
        await a_book(client, seller, title="Dune Messiah", author="Frank Herbert", series="Dune", format=kind)
    await a_book(client, seller, title="Dosadi", author="Frank Herbert")
    assert await related(client, book) == [("Dune Messiah", "series"), ("Dosadi", "author")]


async def test_a_translator_in_common_relates_nothing(client: httpx.AsyncClient, seller: Caller) -> None:
    translator = {"name": "Constance Garnett", "role": "translator"}
    book = await a_book(client, seller, title="A", contributors=[{"name": "Chekhov"}, translator])
    await a_book(client, seller, title="B", contributors=[{"name": "Turgenev"}, translator])
    await a_book(client, seller, title="C", contributors=[{"name": "Editor"}, {"name": "Chekhov"}])
    assert await related(client, book) == [("C", "author")]


async def test_a_book_without_anything_is_related_to_nothing(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller)
    await a_book(client, seller, title="Another")
    assert await related(client, book) == []


async def test_each_is_a_whole_book_and_the_list_is_kept_until_one_changes(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller, title="A", series="S")
    other = await a_book(client, seller, title="B", series="S", isbn="9780553588484", quantity=2)
    path = f"{BOOKS}/{book['id']}/related"
    first = await client.get(path)
    (item,) = first.json()["items"]
    assert item.pop("reason") == "series"
    assert item == (await client.get(f"{BOOKS}/{other['id']}")).json()
    etag = {"If-None-Match": first.headers["etag"]}
    assert (await client.get(path, headers=etag)).status_code == 304
    await client.patch(f"{BOOKS}/{other['id']}", json={"title": "New"}, headers=seller.headers)
    assert await related(client, book) == [("New", "series")]
    await client.delete(f"{BOOKS}/{other['id']}", headers=seller.headers)
    assert await related(client, book) == []


@pytest.mark.parametrize("query", ["limit=0", "limit=21", "limit=x", "skip=1"])
async def test_bad_parameters_are_refused(client: httpx.AsyncClient, seller: Caller, query: str) -> None:
    book = await a_book(client, seller)
    assert (await client.get(f"{BOOKS}/{book['id']}/related?{query}")).status_code == 422


async def test_an_unknown_book_has_no_relations(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{BOOKS}/999999999/related")
    assert (answer.status_code, answer.json()["code"]) == (404, "book-not-found")
    assert (await client.get(f"{BOOKS}/x/related")).status_code == 422
