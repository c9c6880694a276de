"""Searches with mistakes in them."""

import httpx
import pytest

from tests.catalog.search.shelf import search, titles
from tests.conftest import Caller
from tests.factories import a_book

SHELF = {
    "The Hobbit": "J.R.R. Tolkien",
    "Harry Potter and the Goblet of Fire": "J.K. Rowling",
    "Crime and Punishment": "Fyodor Dostoyevsky",
    "The Idiot": "Fyodor Dostoevsky",
    "Harry's Last Stand": "Harry Leslie Smith",
    "The Porter": "Ann Porter",
    "Pride and Prejudice": "Jane Austen",
    "A Game of Thrones": "George R.R. Martin",
}


@pytest.fixture
async def shelf(client: httpx.AsyncClient, seller: Caller) -> None:
    """Books with names that are easily misspelt."""
    for title, author in SHELF.items():
        await a_book(client, seller, title, author=author)


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize(
    ("q", "meant", "first"),
    [
        ("Tolkein", "tolkien", "The Hobbit"),
        ("harry poter", "harry potter", "Harry Potter and the Goblet of Fire"),
        ("harry porter", "harry potter", "Harry Potter and the Goblet of Fire"),
        ("dostoevski", "dostoevsky", "The Idiot"),
        ("dostoyevski", "dostoyevsky", "Crime and Punishment"),
        ("hobit", "hobbit", "The Hobbit"),
        ("gaem of thrnoes", "game of thrones", "A Game of Thrones"),
        ("prid prejudise", "pride prejudice", "Pride and Prejudice"),
        ('"harry poter" goblet', '"harry potter" goblet', "Harry Potter and the Goblet of Fire"),
        ("rowlin -hobbit", "rowling -hobbit", "Harry Potter and the Goblet of Fire"),
        ("austin OR tolkein", "austen or tolkien", "The Hobbit"),
    ],
)
async def test_a_misspelt_word_is_corrected(
    client: httpx.AsyncClient, q: str, meant: str, first: str
) -> None:
    page = await search(client, q)
    assert page["did_you_mean"] == meant
    assert (page["items"][0]["title"], page["items"][0]["match"]) == (first, "fuzzy")
    assert "<b>" in page["items"][0]["snippet"]
    again = await search(client, meant)
    assert (again["did_you_mean"], again["items"][0]["title"]) == (None, first)
    assert again["items"][0]["match"] in {"exact", "text"}


@pytest.mark.usefixtures("shelf")
@pytest.mark.parametrize("q", ["qqqxyz", "qqqxyz zzzyx", "12345", "zz"])
async def test_what_is_like_nothing_finds_nothing(client: httpx.AsyncClient, q: str) -> None:
    page = await search(client, q)
    assert (page["items"], page["did_you_mean"]) == ([], None)


async def test_what_was_written_comes_before_what_was_perhaps_meant(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    await a_book(client, seller, "On Spelling", description="People write tolkein.")
    for number in range(3):
        await a_book(client, seller, f"Letters {number}", author="J.R.R. Tolkien")
    page = await search(client, "tolkein")
    assert [book["match"] for book in page["items"]] == ["text", "fuzzy", "fuzzy", "fuzzy"]
    assert (page["items"][0]["title"], page["did_you_mean"]) == ("On Spelling", "tolkien")


async def test_nothing_is_corrected_where_enough_is_found(client: httpx.AsyncClient, seller: Caller) -> None:
    for number in range(5):
        await a_book(client, seller, f"Porter {number}")
    await a_book(client, seller, "Potter")
    page = await search(client, "porter")
    assert (page["total"], page["did_you_mean"]) == (5, None)


@pytest.mark.usefixtures("shelf")
async def test_filters_do_not_make_a_well_spelt_word_look_misspelt(client: httpx.AsyncClient) -> None:
    page = await search(client, "porter", language="fr")
    assert (page["items"], page["did_you_mean"]) == ([], None)


async def test_words_of_books_that_are_gone_are_not_suggested(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller, "Xylographia")
    assert await titles(client, "xylografia") == ["Xylographia"]
    await client.delete(f"/api/v1/books/{book['id']}", headers=seller.headers)
    page = await search(client, "xylografia")
    assert (page["items"], page["did_you_mean"]) == ([], None)
