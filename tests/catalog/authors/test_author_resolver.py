"""Contributors given by name: found whatever the spelling, made once, also under concurrency."""

import asyncio
from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.authors.test_authors import AUTHORS, BOOKS
from tests.conftest import Caller, SignUp
from tests.factories import a_book, an_author


def author_ids(book: dict[str, Any]) -> list[int]:
    return [contributor["author_id"] for contributor in book["contributors"]]


@pytest.mark.parametrize(
    "spelling", ["emile zola", "ÉMILE ZOLA", "  Emile   Zola ", "E\u0301mile Zola", "Émile\u00a0Zola"]
)
async def test_a_known_name_is_found_in_any_spelling(
    client: httpx.AsyncClient, moderator: Caller, spelling: str
) -> None:
    author = await an_author(client, moderator, name="Émile Zola")
    book = await a_book(client, moderator, author=spelling)
    assert author_ids(book) == [author["id"]]
    assert book["author"] == "Émile Zola"


async def test_an_unknown_name_becomes_an_author_with_a_sort_name(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    book = await a_book(client, seller, author=" Gabriel  García Márquez")
    author = (await client.get(f"{AUTHORS}/{author_ids(book)[0]}")).json()
    assert author["name"] == "Gabriel García Márquez"
    assert author["sort_name"] == "Márquez, Gabriel García"
    assert (author["aliases"], author["version"]) == ([], 1)


async def test_the_oldest_of_namesakes_is_taken(client: httpx.AsyncClient, moderator: Caller) -> None:
    first = await an_author(client, moderator, name="John Smith")
    await an_author(client, moderator, name="JOHN SMITH")
    assert author_ids(await a_book(client, moderator, author="john smith")) == [first["id"]]


@pytest.mark.parametrize(
    ("method", "resource", "people"),
    [
        ("PATCH", "books", {"contributors": [{"name": "john smith"}]}),
        ("PATCH", "books", {"author": "John Smith"}),
        ("PUT", "books", {"author": "John Smith"}),
        ("PUT", "items", {"author": "John Smith"}),
    ],
)
async def test_whom_a_book_credits_by_the_name_already_stays(
    client: httpx.AsyncClient, moderator: Caller, method: str, resource: str, people: dict[str, object]
) -> None:
    await an_author(client, moderator, name="John Smith")
    younger = await an_author(client, moderator, name="John Smith")
    book = await a_book(client, moderator, contributors=[{"author_id": younger["id"]}])
    path = f"/api/v1/{resource}/{book['id']}"
    whole = {"title": book["title"], "price": book["price"]} if method == "PUT" else {}
    answer = await client.request(method, path, json=whole | people, headers=moderator.headers)
    assert answer.status_code == 200, answer.text
    shown = (await client.get(f"{BOOKS}/{book['id']}")).json()
    assert author_ids(shown) == [younger["id"]]
    assert shown["work_id"] == book["work_id"]


async def test_an_alias_counts_only_where_no_author_has_the_name(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    with_alias = await an_author(client, moderator, name="Samuel Clemens", aliases=["Mark Twain"])
    assert author_ids(await a_book(client, moderator, author="MARK TWAIN")) == [with_alias["id"]]
    namesake = await an_author(client, moderator, name="Mark Twain")
    assert author_ids(await a_book(client, moderator, author="Mark Twain")) == [namesake["id"]]


@pytest.mark.parametrize("part", ["Mark", "Twain", "Mark Twain Jr", "Mark Twai_", "%"])
async def test_a_part_of_an_alias_is_another_person(
    client: httpx.AsyncClient, moderator: Caller, part: str
) -> None:
    known = await an_author(client, moderator, name="Samuel Clemens", aliases=["Mark Twain", "Quintus"])
    book = await a_book(client, moderator, author=part)
    assert author_ids(book) != [known["id"]]
    assert book["author"] == part


async def test_wildcards_in_a_name_are_letters_like_any_other(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    for name in ("50% off", "a_b", "back\\slash", "full\uff05width"):
        known = await an_author(client, moderator, name=f"Pseudonymous {name[0]}", aliases=[name])
        assert author_ids(await a_book(client, moderator, author=name)) == [known["id"]], name


async def test_two_spellings_of_one_new_name_in_one_book_are_one_person(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    contributors = [
        {"name": "Walter Moers", "role": "author"},
        {"name": "WALTER MOERS", "role": "illustrator"},
        {"name": "Someone Else", "role": "editor"},
    ]
    book = await a_book(client, seller, contributors=contributors)
    assert [one["name"] for one in book["contributors"]] == ["Walter Moers", "Walter Moers", "Someone Else"]
    assert len(set(author_ids(book))) == 2


async def test_twenty_books_that_name_one_new_author_make_one(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    seller = await live_sign_up()
    spellings = ("Terry Pratchett; Neil Gaiman", "neil gaiman; TERRY PRATCHETT")
    books = await asyncio.gather(
        *(a_book(live_client, seller, author=spellings[number % 2]) for number in range(20))
    )
    assert len({author_id for book in books for author_id in author_ids(book)}) == 2
    assert (await live_client.get(AUTHORS)).json()["total"] == 2


async def test_an_author_is_never_deleted_under_a_book_that_is_being_made(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    for _ in range(5):
        author = await an_author(client, editor)
        body = {"title": "A Book", "price": 9, "contributors": [{"author_id": author["id"]}]}
        posted, deleted = await asyncio.gather(
            client.post(BOOKS, json=body, headers=editor.headers),
            client.delete(f"{AUTHORS}/{author['id']}", headers=editor.headers),
        )
        assert (posted.status_code, deleted.status_code) in {(201, 409), (409, 204)}


async def test_of_writers_with_one_tag_one_wins(live_client: httpx.AsyncClient, live_sign_up: SignUp) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    author = await an_author(client, editor)
    headers = {**editor.headers, "If-Match": '"1"'}
    answers = await asyncio.gather(
        *(
            client.patch(f"{AUTHORS}/{author['id']}", json={"name": f"Writer {number}"}, headers=headers)
            for number in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]
