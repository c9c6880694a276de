"""How much of a book an answer shows: `fields=`, `expand=` and JSON-LD."""

import json
from typing import Any

import httpx
import pytest

from tests.conftest import Caller
from tests.factories import a_book

BOOKS = "/api/v1/books"
LINKED = {"Accept": "application/ld+json"}
HOBBIT: dict[str, Any] = {
    "title": "The Hobbit",
    "isbn": "9780261102217",
    "price": 12.5,
    "quantity": 3,
    "format": "paperback",
    "language": "en",
    "first_published": 1937,
    "series": "Middle-earth",
    "series_position": "1",
    "contributors": [{"name": "J.R.R. Tolkien"}, {"name": "Alan Lee", "role": "illustrator"}],
}


async def create(client: httpx.AsyncClient, seller: Caller, **changes: Any) -> dict[str, Any]:
    return await a_book(client, seller, **{**HOBBIT, **changes})


async def test_fields_show_what_is_named_and_the_id(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller)
    answer = await client.get(f"{BOOKS}/{book['id']}", params={"fields": "title,price"})
    assert answer.json() == {"id": book["id"], "title": "The Hobbit", "price": 12.5}
    by_isbn = await client.get(f"{BOOKS}/isbn/0261102214", params={"fields": "isbn"})
    assert by_isbn.json() == {"id": book["id"], "isbn": "9780261102217"}
    whole = await client.get(f"{BOOKS}/{book['id']}")
    assert whole.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize("path", [BOOKS, f"{BOOKS}/isbn/0261102214"])
async def test_fields_may_be_named_one_parameter_each(
    client: httpx.AsyncClient, seller: Caller, path: str
) -> None:
    book = await create(client, seller)
    answer = (await client.get(path, params={"fields": ["title", " price"]})).json()
    assert answer.get("items", [answer])[0] == {"id": book["id"], "title": "The Hobbit", "price": 12.5}
    refused = await client.get(path, params={"fields": ["secret", "title"]})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "fields")


@pytest.mark.parametrize(
    ("query", "headers"), [("fields=title,version", {}), ("expand=work", {}), ("", LINKED)]
)
async def test_the_tag_of_any_view_guards_an_edit(
    client: httpx.AsyncClient, seller: Caller, query: str, headers: dict[str, str]
) -> None:
    book = await create(client, seller)
    path = f"{BOOKS}/{book['id']}"
    read = await client.get(f"{path}?{query}", headers=headers)
    guarded = {**seller.headers, "If-Match": read.headers["etag"]}
    first, second = [await client.patch(path, json={"pages": 310}, headers=guarded) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 412)


async def test_fields_of_a_list_leave_the_envelope_whole(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller)
    page = (await client.get(BOOKS, params={"fields": "title"})).json()
    assert page["items"] == [{"id": book["id"], "title": "The Hobbit"}]
    assert (page["total"], page["has_next"], page["next_cursor"]) == (1, False, None)


@pytest.mark.parametrize("path", [BOOKS, f"{BOOKS}/1", f"{BOOKS}/isbn/0261102214"])
@pytest.mark.parametrize(
    ("query", "field"),
    [("fields=password_hash", "fields"), ("expand=owner", "expand"), ("colour=red", "colour")],
)
async def test_what_is_not_on_the_list_of_allowed_names_is_refused(
    client: httpx.AsyncClient, path: str, query: str, field: str
) -> None:
    answer = await client.get(f"{path}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith(field)


async def test_expansions_put_work_editions_and_authors_beside_the_book(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = await create(client, seller)
    second = await create(client, seller, isbn="9780261103344", format="hardcover", first_published=1951)
    assert second["work_id"] == first["work_id"]
    path = f"{BOOKS}/{first['id']}"
    book = (await client.get(path, params={"expand": "work.editions,contributors.author"})).json()
    assert book["work"]["title"] == "The Hobbit"
    assert [one["id"] for one in book["work"]["editions"]] == [first["id"], second["id"]]
    assert [one["author"]["sort_name"] for one in book["contributors"]] == ["Tolkien, J.R.R.", "Lee, Alan"]
    plain = (await client.get(path, params={"expand": "work"})).json()
    assert plain["work"] == {"id": first["work_id"], "title": "The Hobbit", "editions": None}
    listed = (await client.get(BOOKS, params={"expand": "work", "fields": "title"})).json()
    assert [one["work"]["id"] for one in listed["items"]] == [first["work_id"]] * 2


async def test_an_expanded_answer_follows_changes_of_other_books(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = await create(client, seller)
    path = f"{BOOKS}/{first['id']}?expand=work.editions"
    assert len((await client.get(path)).json()["work"]["editions"]) == 1
    await create(client, seller, isbn="9780261103344")
    assert len((await client.get(path)).json()["work"]["editions"]) == 2


async def test_a_book_speaks_schema_org_to_those_who_ask(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller)
    path = f"{BOOKS}/{book['id']}"
    assert (await client.get(path)).headers["content-type"] == "application/json"
    answer = await client.get(path, headers=LINKED)
    assert answer.headers["content-type"] == "application/ld+json"
    assert "Accept" in answer.headers["vary"]
    linked = answer.json()
    url = f"https://localhost:8000{path}"
    assert {name: linked[name] for name in ("@context", "@type", "@id", "name", "isbn", "bookFormat")} == {
        "@context": "https://schema.org",
        "@type": "Book",
        "@id": url,
        "name": "The Hobbit",
        "isbn": "9780261102217",
        "bookFormat": "https://schema.org/Paperback",
    }
    assert linked["author"] == [{"@type": "Person", "name": "J.R.R. Tolkien"}]
    assert linked["illustrator"] == [{"@type": "Person", "name": "Alan Lee"}]
    assert linked["offers"] == {
        "@type": "Offer",
        "url": url,
        "price": "12.50",
        "priceCurrency": "EUR",
        "availability": "https://schema.org/InStock",
    }
    assert "subtitle" not in linked
    plain = await client.get(path)
    assert plain.headers["content-type"] == "application/json"
    assert plain.headers["etag"] != answer.headers["etag"]


@pytest.mark.parametrize(
    ("year", "told"), [(1937, "1937"), (868, "0868"), (0, "0000"), (-1, "0000"), (-400, "-0399")]
)
async def test_linked_data_writes_years_as_iso_8601_does(
    client: httpx.AsyncClient, seller: Caller, year: int, told: str
) -> None:
    book = await create(client, seller, published_on=None, first_published=year)
    linked = (await client.get(f"{BOOKS}/{book['id']}", headers=LINKED)).json()
    assert linked["datePublished"] == told


async def test_linked_data_follows_the_stock(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller)
    path = f"{BOOKS}/{book['id']}"
    await client.get(path, headers=LINKED)
    sold_out = await client.patch(path, json={"quantity": 0}, headers=seller.headers)
    assert sold_out.status_code == 200
    linked = (await client.get(path, headers=LINKED)).json()
    assert linked["offers"]["availability"] == "https://schema.org/OutOfStock"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
        ("application/ld+json, application/json;q=0.9", "application/ld+json"),
        ("application/json, application/ld+json;q=0.5", "application/json"),
        ("application/ld+json;q=0", "application/json"),
        ("application/ld+json;q=nonsense", "application/json"),
        ("Application/LD+JSON", "application/ld+json"),
        ("application/ld+json, */*", "application/ld+json"),
        ("application/ld+json;q=0.5, */*;q=0.8", "application/json"),
        ("application/ld+json;q=0.5, application/*;q=0.4, */*", "application/ld+json"),
        ("application/ld+json;q=0, */*;q=0", "application/json"),
    ],
)
async def test_the_preferred_type_of_accept_is_sent(
    client: httpx.AsyncClient, seller: Caller, accept: str, expected: str
) -> None:
    book = await create(client, seller)
    answer = await client.get(f"{BOOKS}/{book['id']}", headers={"Accept": accept})
    assert answer.headers["content-type"] == expected


async def test_an_accept_of_several_lines_is_one_list(client: httpx.AsyncClient, seller: Caller) -> None:
    book = await create(client, seller)
    lines = [("Accept", "application/ld+json;q=0.5"), ("Accept", "application/json")]
    answer = await client.get(f"{BOOKS}/{book['id']}", headers=lines)
    assert answer.headers["content-type"] == "application/json"


async def test_staff_get_a_whole_list_as_lines(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalog.books.ndjson.STREAMED_AT_ONCE", 2)
    titles = ["Emma", "Mansfield Park", "Northanger Abbey", "Persuasion", "Sanditon"]
    for price, title in enumerate(titles, start=1):
        await create(client, seller, title=title, price=price, isbn=None)
    headers = {**moderator.headers, "Accept": "application/x-ndjson"}
    answer = await client.get(BOOKS, params={"sort": "-price", "limit": 1, "min_price": 2}, headers=headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert answer.headers["cache-control"] == "private, no-store"
    # Otherwise Nginx gathers the list on its disk for a slow reader.
    assert answer.headers["x-accel-buffering"] == "no"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["title"] for line in lines] == titles[:0:-1]
    page = await client.get(BOOKS, params={"sort": "-price", "min_price": 2})
    assert page.json()["items"] == lines
    named = await client.get(BOOKS, params={"fields": "title"}, headers=headers)
    assert {frozenset(json.loads(line)) for line in named.text.splitlines()} == {frozenset({"id", "title"})}
    nothing = await client.get(BOOKS, params={"tags": "none"}, headers=headers)
    assert (nothing.status_code, nothing.text) == (200, "")
    head = await client.head(BOOKS, headers=headers)
    assert (head.status_code, head.content) == (200, b"")


async def test_lines_are_for_staff(client: httpx.AsyncClient, seller: Caller) -> None:
    lines = {"Accept": "application/x-ndjson"}
    anonymous = await client.get(BOOKS, headers=lines)
    assert (anonymous.status_code, anonymous.json()["code"]) == (401, "not-authenticated")
    ordinary = await client.get(BOOKS, headers=lines | seller.headers)
    assert (ordinary.status_code, ordinary.json()["code"]) == (403, "insufficient-scope")
