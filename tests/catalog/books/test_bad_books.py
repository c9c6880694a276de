"""Bad input for books: every field refused by its name, every script of titles kept."""

import httpx
import pytest

from tests.catalog.books.test_books import BOOKS, create
from tests.conftest import Caller


@pytest.mark.parametrize("title", ["📚 Émile", "ספר בעברית", "كتاب عربي", "a" * 200, "Ⅷ", "x\u0301"])
async def test_titles_of_every_script_are_kept(client: httpx.AsyncClient, seller: Caller, title: str) -> None:
    book = await create(client, seller, title=f"  {title} ")
    assert book["title"] in {title, "x́"}
    found = await client.get(BOOKS, params={"search": title})
    assert [one["id"] for one in found.json()["items"]] == [book["id"]]


BAD_FIELDS: list[tuple[str, object]] = [
    ("title", ""),
    ("title", "   "),
    ("title", "\u200b\u2003"),
    ("title", "a" * 501),
    ("subtitle", "a" * 501),
    ("title", "a\u0000b"),
    ("title", "two\nlines"),
    ("title", None),
    ("title", 5),
    ("description", "a" * 20_001),
    ("description", "bell\u0007"),
    ("price", 0),
    ("price", -1),
    ("price", 10.999),
    ("price", 1e12),
    ("price", "abc"),
    ("price", None),
    ("price", True),
    ("quantity", -1),
    ("quantity", 1.5),
    ("quantity", 10**9),
    ("sku", "bk-1234"),
    ("sku", "BK-123"),
    ("sku", "BK-١٢٣٤"),
    ("tags", [f"tag{n}" for n in range(21)]),
    ("tags", ["", "a"]),
    ("tags", "a"),
    ("isbn", "9780261102218"),
    ("isbn", "9790060115615"),
    ("isbn", "٩٧٨٠٢٦١١٠٢٢١٧"),
    ("isbn", 9780261102217),
    ("published_on", "1937-13"),
    ("published_on", "1937-02-29"),
    ("published_on", "37"),
    ("published_on", "١٩٣٧"),
    ("published_on", "0000"),
    ("first_published", 10000),
    ("language", "english"),
    ("format", "scroll"),
    ("pages", 0),
    ("series_position", " "),
    ("contributors", [{"role": "author"}]),
    ("category_ids", [0]),
    ("category_ids", ["x"]),
    ("unknown", 1),
    ("owner_id", 1),
    ("id", 1),
    ("version", 1),
]


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS)
async def test_bad_fields_are_refused_by_name(
    client: httpx.AsyncClient, seller: Caller, field: str, value: object
) -> None:
    answer = await client.post(BOOKS, json={"title": "T", "price": 1, field: value}, headers=seller.headers)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "validation"
    assert all(error["field"].split(".")[0] == field for error in problem["errors"])
    assert all(error["message"] and error["type"] for error in problem["errors"])


@pytest.mark.parametrize("price", ["1e400", "-1e400", "NaN", "Infinity"])
async def test_numbers_beyond_all_bounds_are_refused(
    client: httpx.AsyncClient, seller: Caller, price: str
) -> None:
    body = f'{{"title": "T", "price": {price}}}'
    headers = {**seller.headers, "Content-Type": "application/json"}
    answer = await client.post(BOOKS, content=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "price"


async def test_contradictory_fields_are_refused(client: httpx.AsyncClient, seller: Caller) -> None:
    for extra in (
        {"author": "A", "contributors": [{"name": "B"}]},
        {"series_position": "1"},
        {"contributors": [{"name": "A", "position": 1}, {"name": "B", "position": 1}]},
        {"contributors": [{"name": "A", "position": 1}, {"name": "B"}]},
        {"contributors": [{"name": "A", "author_id": 1}]},
    ):
        answer = await client.post(BOOKS, json={"title": "T", "price": 1, **extra}, headers=seller.headers)
        assert answer.status_code == 422, extra


@pytest.mark.parametrize("author", ["a" * 201, "Ada; \u200b", ";", " ; ;", "a\u0000"])
async def test_names_that_name_nobody_are_refused(
    client: httpx.AsyncClient, seller: Caller, author: str
) -> None:
    for path in (BOOKS, "/api/v1/items"):
        body = {"title": "T", "price": 1, "author": author}
        answer = await client.post(path, json=body, headers=seller.headers)
        assert answer.status_code == 422, (path, answer.text)
        assert answer.json()["errors"][0]["field"] == "author"


async def test_a_name_given_twice_counts_once(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller, author="Ada; Ada;")
    assert [one["name"] for one in book["contributors"]] == ["Ada"]
