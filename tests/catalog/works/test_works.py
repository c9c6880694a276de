"""Works over HTTP: their editions, their titles, how they come and go."""

from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.merges.arrange import BOOKS, WORKS, audited, read, read_book
from tests.conftest import Caller, SignUp
from tests.factories import a_book

Made = dict[str, Any]


@pytest.fixture
async def first(client: httpx.AsyncClient, seller: Caller) -> Made:
    """An edition."""
    return await a_book(
        client, seller, "The Hobbit", author="J.R.R. Tolkien", published_on="1999", format="paperback"
    )


async def test_a_work_shows_its_editions_the_oldest_first(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    undated = await a_book(client, seller, "the hobbit", author="j.r.r. tolkien")
    older = await a_book(client, seller, "The Hobbit", author="J.R.R. Tolkien", published_on="1937")
    other = await a_book(
        client, seller, "The Hobbit", author="J.R.R. Tolkien", published_on="1999-05", format="ebook"
    )
    work = await read(client, f"{WORKS}/{first['work_id']}")
    assert (work["id"], work["title"], work["edition_count"]) == (first["work_id"], "The Hobbit", 4)
    assert work["author"] == {"id": first["contributors"][0]["author_id"], "name": "J.R.R. Tolkien"}
    assert [one["id"] for one in work["editions"]] == [older["id"], other["id"], first["id"], undated["id"]]
    assert work["editions"][2] == await read_book(client, first)


async def test_of_many_editions_the_oldest_on_sale_are_shown(
    client: httpx.AsyncClient, seller: Caller, first: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app.catalog.books.queries", "app.catalog.books.listings.queries"):
        monkeypatch.setattr(f"{module}.MOST_EDITIONS", 2)
    off = {"author": "J.R.R. Tolkien", "is_active": False}
    for year in ("1937", "1951"):
        await a_book(client, seller, "The Hobbit", published_on=year, **off)
    others = [
        await a_book(client, seller, "The Hobbit", author="J.R.R. Tolkien", published_on=year)
        for year in ("2001", "2011")
    ]
    shown = [first["id"], others[0]["id"]]
    work = await read(client, f"{WORKS}/{first['work_id']}")
    assert [one["id"] for one in work["editions"]] == shown
    assert work["edition_count"] == 3
    expanded = await read(client, f"{BOOKS}/{others[1]['id']}?expand=work.editions")
    assert [one["id"] for one in expanded["work"]["editions"]] == shown


async def test_the_tag_of_a_work_changes_with_its_editions_and_spares_the_reader_the_rest(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    path = f"{WORKS}/{first['work_id']}"
    tag = (await client.get(path)).headers["etag"]
    assert (await client.get(path, headers={"If-None-Match": tag})).status_code == 304
    await client.patch(f"{BOOKS}/{first['id']}", json={"price": 6}, headers=seller.headers)
    changed = await client.get(path, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["editions"][0]["price"]) == (200, 6)


async def test_staff_give_a_work_its_title_under_if_match(
    client: httpx.AsyncClient, sign_up: SignUp, seller: Caller, moderator: Caller, first: Made
) -> None:
    path = f"{WORKS}/{first['work_id']}"
    tag = (await client.get(path)).headers["etag"]
    headers = {**moderator.headers, "If-Match": tag}
    renamed = await client.patch(path, json={"title": "There and Back Again"}, headers=headers)
    assert (renamed.status_code, renamed.json()["title"], renamed.json()["version"]) == (
        200,
        "There and Back Again",
        2,
    )
    assert (await client.patch(path, json={"title": "X"}, headers=headers)).status_code == 412
    for body in ({"title": None}, {"title": " "}, {"title": "x" * 501}, {"author": 1}):
        assert (await client.patch(path, json=body, headers=moderator.headers)).status_code == 422
    unknown = await client.patch(f"{WORKS}/987654321", json={"title": "X"}, headers=moderator.headers)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "work-not-found")
    assert (await client.patch(path, json={"title": "X"}, headers=seller.headers)).status_code == 403
    assert (await read_book(client, first))["title"] == "The Hobbit"
    entry = await audited(client, await sign_up(Role.ADMIN), "work.changed")
    assert entry["changes"] == {"title": ["The Hobbit", "There and Back Again"]}


async def test_works_are_listed_by_title_and_found_by_a_part_of_it(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    await a_book(client, seller, "Émile", author="Rousseau")
    everything = await read(client, WORKS)
    assert [one["title"] for one in everything["items"]] == ["Émile", "The Hobbit"]
    found = await read(client, f"{WORKS}?search=HOBB&sort=-created_at")
    assert [(one["id"], one["edition_count"]) for one in found["items"]] == [(first["work_id"], 1)]
    assert (await client.get(f"{WORKS}?author=x")).status_code == 422
    one = await read(client, f"{WORKS}?limit=1")
    following = await read(client, f"{WORKS}?limit=1&cursor={one['next_cursor']}")
    assert following["items"][0]["id"] == first["work_id"]


@pytest.mark.parametrize("way", ["books", "items"])
async def test_a_work_goes_with_its_last_edition(
    client: httpx.AsyncClient, seller: Caller, first: Made, way: str
) -> None:
    second = await a_book(client, seller, "Second", work_id=first["work_id"])
    path = f"{WORKS}/{first['work_id']}"
    for book, left in ((first, 200), (second, 404)):
        answer = await client.delete(f"/api/v1/{way}/{book['id']}", headers=seller.headers)
        assert answer.status_code == 204
        assert (await client.get(path)).status_code == left


async def test_a_work_goes_when_its_last_edition_moves_to_another(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    other = await a_book(client, seller, "Roverandom", author="J.R.R. Tolkien")
    moved = await client.patch(
        f"{BOOKS}/{other['id']}", json={"work_id": first["work_id"]}, headers=seller.headers
    )
    assert moved.json()["work_id"] == first["work_id"]
    assert (await client.get(f"{WORKS}/{other['work_id']}")).status_code == 404
    assert (await read(client, f"{WORKS}/{first['work_id']}"))["edition_count"] == 2


async def test_a_work_of_one_edition_follows_its_title_and_author(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    changed = {"title": "The Hobbit, or There and Back Again", "author": "Tolkien"}
    await client.patch(f"{BOOKS}/{first['id']}", json=changed, headers=seller.headers)
    work = await read(client, f"{WORKS}/{first['work_id']}")
    assert (work["title"], work["author"]["name"]) == (changed["title"], "Tolkien")
    await client.patch(f"{BOOKS}/{first['id']}", json={"contributors": []}, headers=seller.headers)
    assert (await read(client, f"{WORKS}/{first['work_id']}"))["author"] is None


async def test_a_work_follows_an_edition_that_is_edited_as_an_item(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    item = f"/api/v1/items/{first['id']}"
    changed = await client.patch(item, json={"title": "Bilbo"}, headers=seller.headers)
    assert changed.json()["version"] == 2
    assert (await read(client, f"{WORKS}/{first['work_id']}"))["title"] == "Bilbo"
    body = {"title": "Der Hobbit", "author": "Tolkien", "price": 3}
    assert (await client.put(item, json=body, headers=seller.headers)).json()["version"] == 3
    work = await read(client, f"{WORKS}/{first['work_id']}")
    assert (work["title"], work["author"]["name"]) == ("Der Hobbit", "Tolkien")


async def test_a_corrected_title_joins_the_work_that_has_it(
    client: httpx.AsyncClient, seller: Caller, first: Made
) -> None:
    misspelt = await a_book(client, seller, "The Hobit", author="J.R.R. Tolkien")
    assert misspelt["work_id"] != first["work_id"]
    corrected = await client.patch(
        f"{BOOKS}/{misspelt['id']}", json={"title": "The Hobbit"}, headers=seller.headers
    )
    assert corrected.json()["work_id"] == first["work_id"]
    assert (await client.get(f"{WORKS}/{misspelt['work_id']}")).status_code == 404


async def test_a_work_of_several_editions_and_one_that_staff_named_keep_their_titles(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, first: Made
) -> None:
    path = f"{WORKS}/{first['work_id']}"
    second = await a_book(client, seller, "The Hobbit", author="J.R.R. Tolkien")
    edited = await client.patch(f"{BOOKS}/{second['id']}", json={"title": "Bilbo"}, headers=seller.headers)
    assert edited.json()["work_id"] == first["work_id"]
    assert (await read(client, path))["title"] == "The Hobbit"
    await client.delete(f"{BOOKS}/{second['id']}", headers=seller.headers)
    await client.patch(path, json={"title": "There and Back Again"}, headers=moderator.headers)
    await client.patch(f"{BOOKS}/{first['id']}", json={"title": "Hobbit"}, headers=seller.headers)
    assert (await read(client, path))["title"] == "There and Back Again"


async def test_an_unknown_work_is_refused(client: httpx.AsyncClient, seller: Caller, first: Made) -> None:
    body = {"title": "X", "price": 1, "work_id": 987654321}
    made = await client.post(BOOKS, json=body, headers=seller.headers)
    assert (made.status_code, made.json()["code"]) == (409, "unknown-work")
    moved = await client.patch(f"{BOOKS}/{first['id']}", json={"work_id": 987654321}, headers=seller.headers)
    assert (moved.status_code, moved.json()["code"]) == (409, "unknown-work")
    assert (await client.get(f"{WORKS}/987654321")).status_code == 404
