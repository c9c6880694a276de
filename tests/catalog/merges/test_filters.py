"""Filters that name an author who was merged away find what the author that stands for it has."""

from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.merges.arrange import BOOKS, author_of, merge, read, undo
from tests.conftest import Caller, SignUp
from tests.factories import a_book

FACETS = f"{BOOKS}/facets"
SEARCH = "/api/v1/search"
EXPORT = "/api/v1/admin/exports"


@pytest.fixture
async def merged(client: httpx.AsyncClient, seller: Caller, moderator: Caller) -> tuple[int, int]:
    """An author at the beginning of a chain of two merges, and the one at its end."""
    first = author_of(await a_book(client, seller, "Tale One", author="J. R. R. Tolkein"))
    second = author_of(await a_book(client, seller, "Tale Two", author="JRRT"))
    third = author_of(await a_book(client, seller, "Tale Three", author="J.R.R. Tolkien"))
    await a_book(client, seller, "Tale of Others", author="C.S. Lewis")
    await merge(client, moderator, "author", first, second)
    await merge(client, moderator, "author", second, third)
    return first, third


@pytest.mark.parametrize("filter_name", ["author_id", "author"])
@pytest.mark.parametrize(("path", "words"), [(BOOKS, {}), (SEARCH, {"q": "tale"})])
async def test_lists_follow_merges(
    client: httpx.AsyncClient,
    merged: tuple[int, int],
    path: str,
    words: dict[str, str],
    filter_name: str,
) -> None:
    found = await client.get(path, params={filter_name: merged[0], **words})
    assert found.status_code == 200, found.text
    assert sorted(one["title"] for one in found.json()["items"]) == ["Tale One", "Tale Three", "Tale Two"]
    for ids, total in ((["999999999", *map(str, merged)], 3), (["999999999"], 0)):
        found = await client.get(path, params={filter_name: ids, **words})
        assert found.json()["total"] == total


@pytest.mark.parametrize("filter_name", ["author_id", "author"])
async def test_facets_follow_merges(
    client: httpx.AsyncClient, merged: tuple[int, int], filter_name: str
) -> None:
    found = await client.get(FACETS, params={filter_name: merged[0]})
    assert found.json()["total"] == 3
    assert found.json() == (await client.get(FACETS, params={filter_name: merged[1]})).json()


async def test_an_id_and_a_name_in_one_filter_find_both(
    client: httpx.AsyncClient, merged: tuple[int, int]
) -> None:
    asked = {"author": [str(merged[0]), "lewis"]}
    assert (await client.get(BOOKS, params=asked)).json()["total"] == 4


async def test_an_export_follows_merges(
    client: httpx.AsyncClient, sign_up: SignUp, merged: tuple[int, int]
) -> None:
    admin = await sign_up(Role.ADMIN)
    asked: dict[str, Any] = {"author_id": merged[0], "format": "ndjson"}
    answer = await client.get(EXPORT, params=asked, headers=admin.headers)
    assert (answer.status_code, len(answer.text.splitlines())) == (200, 3)


async def test_after_the_undo_the_filter_finds_the_authors_own_books_again(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller
) -> None:
    source = author_of(await a_book(client, seller, "Tale One", author="J. R. R. Tolkein"))
    target = author_of(await a_book(client, seller, "Tale Two", author="J.R.R. Tolkien"))
    done = await merge(client, moderator, "author", source, target)
    asked = f"{BOOKS}?author_id={source}"
    assert (await read(client, asked))["total"] == 2
    await undo(client, moderator, done["id"])
    assert (await read(client, asked))["total"] == 1
