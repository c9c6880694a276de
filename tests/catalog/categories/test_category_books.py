"""The books of a category and its descendants, and what books show of their categories."""

import asyncio

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.categories.test_categories import BOOKS, CATEGORIES, change
from tests.conftest import Caller, SignUp
from tests.factories import a_book, a_category


async def titles(client: httpx.AsyncClient, url: str) -> list[str]:
    answer = await client.get(url)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert page["total"] == len(page["items"])
    return [book["title"] for book in page["items"]]


async def test_the_books_of_descendants_count_unless_told_otherwise(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    fiction = await a_category(client, moderator, "Fiction")
    fantasy = await a_category(client, moderator, "Fantasy", parent_id=fiction["id"])
    other = await a_category(client, moderator, "Fiction Studies")
    await a_book(client, moderator, "A novel", category_ids=[fiction["id"]])
    await a_book(client, moderator, "A tale", category_ids=[fantasy["id"]])
    await a_book(client, moderator, "Both", category_ids=[fantasy["id"], fiction["id"]])
    await a_book(client, moderator, "A study", category_ids=[other["id"]])
    for key in ("fiction", fiction["id"]):
        url = f"{CATEGORIES}/{key}/books"
        assert await titles(client, url) == ["A novel", "A tale", "Both"]
        assert await titles(client, f"{url}?include_descendants=false") == ["A novel", "Both"]
    assert await titles(client, f"{CATEGORIES}/fantasy/books") == ["A tale", "Both"]


async def test_every_filter_of_books_and_cursors_work_in_a_category(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    category = await a_category(client, moderator, "Fiction")
    for title in ("One", "Two", "Three"):
        await a_book(client, moderator, title, category_ids=[category["id"]])
    url = f"{CATEGORIES}/fiction/books"
    assert await titles(client, f"{url}?search=t&sort=-title") == ["Two", "Three"]
    first = await client.get(f"{url}?limit=2")
    assert 'rel="next"' in first.headers["link"]
    page = first.json()
    rest = (await client.get(url, params={"limit": 2, "cursor": page["next_cursor"]})).json()
    assert [book["title"] for book in page["items"] + rest["items"]] == ["One", "Three", "Two"]
    params = {"include_descendants": "false", "cursor": page["next_cursor"]}
    assert (await client.get(url, params=params)).json()["code"] == "invalid-cursor"


@pytest.mark.parametrize("query", ["include_descendants=perhaps", "colour=red", "limit=0", "sort=author"])
async def test_bad_parameters_are_refused(client: httpx.AsyncClient, moderator: Caller, query: str) -> None:
    await a_category(client, moderator, "Fiction")
    assert (await client.get(f"{CATEGORIES}/fiction/books?{query}")).status_code == 422


async def test_books_follow_their_category_at_once(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    fiction, games = await a_category(client, editor, "Fiction"), await a_category(client, editor, "Games")
    fantasy = await a_category(client, editor, "Fantasy", parent_id=fiction["id"])
    book = await a_book(client, editor, "A tale", category_ids=[fantasy["id"]])
    lists = {"fiction": ["A tale"], "games": [], "fantasy": ["A tale"]}
    for key, expected in lists.items():
        assert await titles(client, f"{CATEGORIES}/{key}/books") == expected
        assert await titles(client, f"{BOOKS}?category={key}") == expected
    assert (await client.get(f"{BOOKS}/{book['id']}")).json()["categories"][0]["slug"] == "fantasy"
    await change(client, editor, fantasy, parent_id=games["id"], slug="fancy", name="Fancy")
    for key, expected in {"fiction": [], "games": ["A tale"], "fancy": ["A tale"]}.items():
        assert await titles(client, f"{CATEGORIES}/{key}/books") == expected
        assert await titles(client, f"{BOOKS}?category={key}") == expected
    assert (await client.get(f"{CATEGORIES}/fantasy/books")).status_code == 404
    shown = (await client.get(f"{BOOKS}/{book['id']}")).json()["categories"]
    assert shown == [{"id": fantasy["id"], "name": "Fancy", "slug": "fancy"}]


async def test_a_category_is_never_deleted_under_a_book_that_enters_it(
    live_client: httpx.AsyncClient, live_sign_up: SignUp
) -> None:
    client, editor = live_client, await live_sign_up(Role.MODERATOR)
    for number in range(5):
        category = await a_category(client, editor, f"Category {number}")
        body = {"title": "A Book", "price": 9, "category_ids": [category["id"]]}
        posted, deleted = await asyncio.gather(
            client.post(BOOKS, json=body, headers=editor.headers),
            client.delete(f"{CATEGORIES}/{category['id']}", headers=editor.headers),
        )
        assert (posted.status_code, deleted.status_code) in {(201, 409), (409, 204)}
