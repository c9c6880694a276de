"""Titles are filed without their leading article, by their language, or as the shop says."""

from typing import Any

import httpx
import pytest

from tests.conftest import Caller
from tests.factories import a_book

BOOKS = "/api/v1/books"


@pytest.mark.parametrize(
    ("title", "language", "filed"),
    [
        ("The Hobbit", "en", "Hobbit"),
        ("The Hobbit", "en-US", "Hobbit"),
        ("THE HOBBIT", None, "HOBBIT"),
        ("A Game of Thrones", "en", "Game of Thrones"),
        ("An Odd Book", "en", "Odd Book"),
        ("A Game of Thrones", None, "A Game of Thrones"),
        ("Theodora", "en", "Theodora"),
        ("The", "en", "The"),
        ("“The Quoted”", "en", "Quoted”"),
        ("Die Hard", "en", "Die Hard"),
        ("Die Verwandlung", "de", "Verwandlung"),
        ("Ein Sommer", "de", "Sommer"),
        ("L’Étranger", "fr", "Étranger"),
        ("L'Étranger", "fr-CA", "Étranger"),
        ("Les Misérables", "fr", "Misérables"),
        ("El amor", "es", "amor"),
        ("Gli indifferenti", "it", "indifferenti"),
        ("O Alquimista", "pt", "Alquimista"),
        ("Het diner", "nl", "diner"),
        ("Den som dræber", "da", "som dræber"),
        ("Az ajtó", "hu", "ajtó"),
        ("Ο Αλέξης Ζορμπάς", "el", "Αλέξης Ζορμπάς"),
        ("The Hobbit", "ja", "The Hobbit"),
        ("A la sombra", "es", "A la sombra"),
    ],
)
async def test_an_article_of_the_language_does_not_count(
    client: httpx.AsyncClient, seller: Caller, title: str, language: str | None, filed: str
) -> None:
    book = await a_book(client, seller, title, language=language)
    assert (book["title"], book["title_sort"]) == (title, filed)


async def test_lists_go_by_the_filed_title_both_ways_and_by_cursor(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    order = ["Étude", "The Hobbit", "A Journey", "Kim", "'Salem's Lot", "Zebra"]
    for title in reversed(order):
        await a_book(client, seller, title, language="en")
    listed = (await client.get(BOOKS)).json()["items"]
    assert [book["title"] for book in listed] == order
    found: list[str] = []
    cursor = None
    while len(found) < len(order):
        parameters: dict[str, Any] = {"sort": "-title", "limit": 4, **({"cursor": cursor} if cursor else {})}
        page = (await client.get(BOOKS, params=parameters)).json()
        found += [book["title"] for book in page["items"]]
        cursor = page["next_cursor"]
    assert found == order[::-1]


async def test_the_shop_files_a_title_as_it_likes_and_takes_it_back(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller, "A is for Alibi", title_sort="A is for Alibi", language="en")
    await a_book(client, seller, "Bread")
    await a_book(client, seller, "1984", title_sort="Nineteen eighty-four")
    assert book["title_sort"] == "A is for Alibi"

    async def titles() -> list[str]:
        return [one["title"] for one in (await client.get(BOOKS)).json()["items"]]

    assert await titles() == ["A is for Alibi", "Bread", "1984"]
    url = f"{BOOKS}/{book['id']}"
    answer = await client.patch(url, json={"title_sort": None}, headers=seller.headers)
    assert answer.json()["title_sort"] == "is for Alibi"
    assert await titles() == ["Bread", "A is for Alibi", "1984"]
    answer = await client.patch(url, json={"language": "nl"}, headers=seller.headers)
    assert answer.json()["title_sort"] == "A is for Alibi"
    for wrong in ("", "  ", "x" * 501, 7):
        refused = await client.patch(url, json={"title_sort": wrong}, headers=seller.headers)
        assert (wrong, refused.status_code) == (wrong, 422)
