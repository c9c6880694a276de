"""Suggestions over HTTP."""

from typing import Any

import httpx
import pytest

from devstack import Servers
from tests.conftest import Caller, DatabaseMaker, client_of, running_app, settings_for
from tests.factories import a_book

BOOKS = "/api/v1/books"
SUGGEST = "/api/v1/suggest"

Pairs = list[tuple[str, str]]


async def suggest(client: httpx.AsyncClient, typed: str) -> Pairs:
    answer = await client.get(SUGGEST, params={"q": typed})
    assert answer.status_code == 200, answer.text
    return [(one["type"], one["text"]) for one in answer.json()["items"]]


async def shelve(client: httpx.AsyncClient, seller: Caller, moderator: Caller) -> None:
    shelf: list[dict[str, Any]] = [
        {"title": "The Hobbit", "author": "J.R.R. Tolkien", "series": "Middle-earth", "quantity": 1},
        {"title": "The Silmarillion", "author": "J.R.R. Tolkien; Christopher Tolkien"},
        {"title": "Crime and Punishment", "author": "Fyodor Dostoyevsky"},
        {"title": "Cien años de soledad", "author": "Gabriel García Márquez"},
        {
            "title": "Harry Potter and the Chamber of Secrets",
            "author": "J.K. Rowling",
            "series": "Harry Potter",
        },
        {"title": "Winnie-the-Pooh", "author": "A. A. Milne"},
        {"title": "It", "author": "Stephen King"},
        {"title": "Italy", "author": "Baedeker"},
        {"title": "Make It So", "author": "Patrick Stewart"},
    ]
    for book in shelf:
        await a_book(client, seller, **book)
    await client.post("/api/v1/categories", json={"name": "Italian cooking"}, headers=moderator.headers)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("hobb", [("book", "The Hobbit")]),
        ("the ho", [("book", "The Hobbit")]),
        ("tolk", [("author", "J.R.R. Tolkien"), ("author", "Christopher Tolkien")]),
        ("JRR tolk", [("author", "J.R.R. Tolkien")]),
        ("j. r. r. Tolkien", [("author", "J.R.R. Tolkien")]),
        ("aa milne", [("author", "A. A. Milne")]),
        ("A.A. Mil", [("author", "A. A. Milne")]),
        ("tolkein", [("author", "J.R.R. Tolkien"), ("author", "Christopher Tolkien")]),
        ("dostoevski", [("author", "Fyodor Dostoyevsky")]),
        ("marquez", [("author", "Gabriel García Márquez")]),
        ("MÁRQUEZ", [("author", "Gabriel García Márquez")]),
        ("Cien an\u0303o", [("book", "Cien años de soledad")]),
        ("middle e", [("series", "Middle-earth")]),
        (
            "harry poter",
            [("series", "Harry Potter"), ("book", "Harry Potter and the Chamber of Secrets")],
        ),
        ("secrets chamb", [("book", "Harry Potter and the Chamber of Secrets")]),
        ("secrets c", [("book", "Harry Potter and the Chamber of Secrets")]),
        ("pooh", [("book", "Winnie-the-Pooh")]),
        ("nothing at all like this", []),
        ("%%", []),
        ("__", []),
        ("' OR 1=1 --", []),
        (":*&|!()", []),
        ("\\\\", []),
    ],
)
async def test_beginnings_words_and_typos_find_what_is_meant(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, typed: str, expected: Pairs
) -> None:
    await shelve(client, seller, moderator)
    assert await suggest(client, typed) == expected


async def test_exact_comes_before_prefix_and_prefix_before_word(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    await shelve(client, seller, moderator)
    assert await suggest(client, "it") == [
        ("book", "It"),
        ("category", "Italian cooking"),
        ("book", "Italy"),
        ("book", "Make It So"),
    ]


async def test_ten_are_shown_and_every_type_has_its_turn(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    for number in range(12):
        await a_book(
            client, seller, title=f"Star {number:02}", author=f"Starr {number:02}", quantity=number % 2
        )
    await a_book(client, seller, title="X", author="Starr 07", series="Starship")
    await client.post("/api/v1/categories", json={"name": "Starters"}, headers=moderator.headers)
    found = await suggest(client, "star")
    assert len(found) == 10
    assert found[:4] == [
        ("book", "Star 01"),
        ("author", "Starr 07"),
        ("series", "Starship"),
        ("category", "Starters"),
    ]
    assert [text for kind, text in found if kind == "book"] == ["Star 01", "Star 03", "Star 05", "Star 07"]
    assert await suggest(client, "star") == found


async def test_editions_of_one_title_are_one_suggestion_and_lead_to_one_in_stock(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, title="Dune", author="Frank Herbert")
    sold = await a_book(client, seller, title="Dune", author="Frank Herbert", quantity=2)
    items = (await client.get(f"{SUGGEST}?q=dun")).json()["items"]
    assert items == [{"type": "book", "id": sold["id"], "text": "Dune"}]


async def test_an_edition_that_is_sold_out_takes_nothing_from_the_place_of_the_first(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    first = await a_book(client, seller, "Atlas", quantity=1)
    second = await a_book(client, seller, "Atlas of Rome", quantity=1)
    await a_book(client, seller, "Atlas")
    answer = await client.get("/api/v1/suggest", params={"q": "atl"})
    books = [(one["id"], one["text"]) for one in answer.json()["items"] if one["type"] == "book"]
    assert books == [(first["id"], "Atlas"), (second["id"], "Atlas of Rome")]


async def test_other_goods_are_not_books(client: httpx.AsyncClient, seller: Caller) -> None:
    await client.post("/api/v1/items", json={"title": "Fountain pen", "price": 3}, headers=seller.headers)
    assert await suggest(client, "fountain") == []


async def test_aliases_find_their_author(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    book = await a_book(client, seller, author="Mark Twain")
    author = book["contributors"][0]["author_id"]
    await client.patch(
        f"/api/v1/authors/{author}", json={"aliases": ["Samuel Clemens"]}, headers=moderator.headers
    )
    assert await suggest(client, "clem") == [("author", "Mark Twain")]
    assert await suggest(client, "samuel cle") == [("author", "Mark Twain")]


async def test_merged_authors_never_show(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    kept = (await a_book(client, seller, author="Anton Chekhov"))["contributors"][0]["author_id"]
    gone = (await a_book(client, seller, author="Anton Tchekhov"))["contributors"][0]["author_id"]
    merged = await client.post(
        f"/api/v1/admin/authors/{gone}/merge", json={"into": kept}, headers=moderator.headers
    )
    assert merged.status_code < 300, merged.text
    assert await suggest(client, "anton") == [("author", "Anton Chekhov")]


@pytest.mark.parametrize("typed", ["t", " t ", "é", "", "  ", "!"])
async def test_the_first_keystroke_suggests_nothing_and_is_no_mistake(
    client: httpx.AsyncClient, seller: Caller, typed: str
) -> None:
    await a_book(client, seller, title="T")
    answer = await client.get(SUGGEST, params={"q": typed})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"items": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        (f"q={'x' * 101}", "q"),
        ("q=a%00b", "q"),
        ("q=ab&limit=3", "limit"),
    ],
)
async def test_nothing_too_much_and_unknown_are_refused(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    answer = await client.get(f"{SUGGEST}?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_word_longer_than_any_known_one_is_not_corrected(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, title="PTSD")
    assert await suggest(client, "₧" * 100) == []


async def test_the_longest_text_is_allowed(client: httpx.AsyncClient) -> None:
    assert await suggest(client, "ab " * 33 + "c") == []


async def test_browsers_may_keep_suggestions_and_ask_whether_they_are_current(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get(f"{SUGGEST}?q=ab")
    assert answer.headers["cache-control"] == "public, no-cache"
    again = await client.get(f"{SUGGEST}?q=ab", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_suggestions_have_a_limit_of_their_own(servers: Servers, make_database: DatabaseMaker) -> None:
    with make_database() as url:
        settings = settings_for(servers, url, rate_limit={"factor": 1, "suggest": "2/minute"})
        async with running_app(settings) as app, client_of(app, "192.0.2.60") as client:
            answers = [await client.get(f"{SUGGEST}?q=ab") for _ in range(3)]
            assert [answer.status_code for answer in answers] == [200, 200, 429]
            assert answers[0].headers["ratelimit-policy"] == '"suggest";q=2;w=60'
            assert int(answers[2].headers["retry-after"]) >= 1
            assert (await client.get("/api/v1/books?search=ab")).status_code == 200
