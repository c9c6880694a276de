"""Lists of authors and of their books: order, filters, pages, freshness."""

from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.authors.test_authors import AUTHORS, BOOKS
from tests.conftest import Caller, SignUp
from tests.factories import a_book, an_author


async def names(client: httpx.AsyncClient, **params: object) -> list[str]:
    answer = await client.get(AUTHORS, params={key: str(value) for key, value in params.items()})
    assert answer.status_code == 200, answer.text
    return [author["name"] for author in answer.json()["items"]]


@pytest.fixture
async def four(client: httpx.AsyncClient, moderator: Caller) -> list[dict[str, Any]]:
    """Four authors, not in the order in which they are filed."""
    named = ("Émile Zola", "Agatha Christie", "Stanisław Lem", "Jane Austen")
    return [await an_author(client, moderator, name=name) for name in named]


@pytest.mark.usefixtures("four")
async def test_authors_are_listed_as_they_are_filed(client: httpx.AsyncClient) -> None:
    by_name = ["Jane Austen", "Agatha Christie", "Stanisław Lem", "Émile Zola"]
    assert await names(client) == by_name
    assert await names(client, sort="-name") == by_name[::-1]
    assert await names(client, sort="created_at,name") == by_name


@pytest.mark.usefixtures("four")
async def test_case_and_accents_do_not_count_in_a_search(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    await an_author(client, moderator, name="Mary Westmacott", aliases=["AGATHA Mallowan"])
    assert await names(client, search="emile") == ["Émile Zola"]
    assert await names(client, search="STANISLAW") == ["Stanisław Lem"]
    assert await names(client, search="agatha") == ["Agatha Christie", "Mary Westmacott"]
    assert await names(client, search="%") == []
    assert await names(client, search="_ane") == ["Jane Austen"]
    assert await names(client, search="zola, e") == ["Émile Zola"]


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize("sort", ["name", "-name", "created_at", "-created_at,name"])
async def test_cursors_walk_through_all_authors_once(client: httpx.AsyncClient, sort: str) -> None:
    expected = await names(client, sort=sort)
    seen: list[str] = []
    params = {"sort": sort, "limit": "1"}
    while True:
        page = (await client.get(AUTHORS, params=params)).json()
        assert page["total"] == 4
        seen += [author["name"] for author in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert seen == expected


@pytest.mark.usefixtures("four")
async def test_pages_link_to_their_neighbours(client: httpx.AsyncClient) -> None:
    answer = await client.get(AUTHORS, params={"skip": 1, "limit": 2})
    page = answer.json()
    assert (page["total"], page["page"], page["total_pages"]) == (4, 1, 2)
    assert (page["has_next"], page["has_previous"]) == (True, True)
    for relation in ("first", "prev", "next", "last"):
        assert f'rel="{relation}"' in answer.headers["link"]
    beyond = (await client.get(AUTHORS, params={"skip": 10_000})).json()
    assert (beyond["items"], beyond["total"], beyond["has_next"]) == ([], 4, False)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "skip=-1",
        "skip=10001",
        "sort=price",
        "sort=name,-name",
        "sort=",
        "born=1929",
        "search=",
        "search=%00",
        "cursor=x",
        "cursor=x&skip=1",
        f"search={'x' * 201}",
    ],
)
async def test_bad_parameters_are_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{AUTHORS}?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.usefixtures("four")
async def test_a_cursor_of_other_filters_is_refused(client: httpx.AsyncClient) -> None:
    cursor = (await client.get(AUTHORS, params={"limit": 1})).json()["next_cursor"]
    answer = await client.get(AUTHORS, params={"limit": 1, "search": "e", "cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")


async def test_the_books_of_an_author_are_those_of_every_role(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    author = await an_author(client, moderator, name="Vladimir Nabokov")
    other = await an_author(client, moderator, name="Alexander Pushkin")
    await a_book(client, moderator, title="Pnin", price=9, contributors=[{"author_id": author["id"]}])
    translated = [{"author_id": other["id"]}, {"author_id": author["id"], "role": "translator"}]
    await a_book(client, moderator, title="Eugene Onegin", price=20, contributors=translated)
    await a_book(client, moderator, title="Boris Godunov", contributors=[{"author_id": other["id"]}])
    url = f"{AUTHORS}/{author['id']}/books"
    page = (await client.get(url)).json()
    assert ([book["title"] for book in page["items"]], page["total"]) == (["Eugene Onegin", "Pnin"], 2)
    dear = (await client.get(url, params={"min_price": 10})).json()
    assert [book["title"] for book in dear["items"]] == ["Eugene Onegin"]
    params = {"limit": "1", "sort": "-title"}
    first = (await client.get(url, params=params)).json()
    second = (await client.get(url, params={**params, "cursor": first["next_cursor"]})).json()
    assert [book["title"] for book in first["items"] + second["items"]] == ["Pnin", "Eugene Onegin"]
    assert (await client.get(url, params={"colour": "red"})).status_code == 422


async def test_an_author_without_books_has_an_empty_list(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    author = await an_author(client, moderator)
    page = (await client.get(f"{AUTHORS}/{author['id']}/books")).json()
    assert (page["items"], page["total"], page["total_pages"]) == ([], 0, 0)


async def test_a_new_name_shows_at_once_wherever_the_author_is_named(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    book = await a_book(client, editor, author="Eric Blair")
    author_url = f"{AUTHORS}/{book['contributors'][0]['author_id']}"
    book_url = f"{BOOKS}/{book['id']}"
    kept = (author_url, AUTHORS, book_url, BOOKS, f"{author_url}/books", f"{BOOKS}?author=orwell")
    for url in kept * 2:
        assert "George Orwell" not in (await client.get(url)).text
    change = {"name": "George Orwell"}
    assert (await client.patch(author_url, json=change, headers=editor.headers)).status_code == 200
    for url in kept:
        assert "George Orwell" in (await client.get(url)).text, url


async def test_new_authors_and_books_show_at_once_and_deleted_ones_are_gone(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    assert await names(client) == []
    author = await an_author(client, editor)
    url = f"{AUTHORS}/{author['id']}"
    assert await names(client) == [author["name"]]
    assert (await client.get(f"{url}/books")).json()["total"] == 0
    book = await a_book(client, editor, author="New Name")
    assert await names(client) == [author["name"], "New Name"]
    body = {"contributors": [{"author_id": author["id"]}]}
    await client.patch(f"{BOOKS}/{book['id']}", json=body, headers=editor.headers)
    assert (await client.get(f"{url}/books")).json()["total"] == 1
    await client.delete(f"{BOOKS}/{book['id']}", headers=editor.headers)
    assert (await client.get(f"{url}/books")).json()["total"] == 0
    assert (await client.delete(url, headers=editor.headers)).status_code == 204
    assert await names(client) == ["New Name"]
    for gone in (url, f"{url}/books"):
        assert (await client.get(gone)).status_code == 404
