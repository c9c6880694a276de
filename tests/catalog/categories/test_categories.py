"""Categories over HTTP: writing, reading, who may, bad input."""

from typing import Any

import httpx
import pytest
from dirty_equals import IsInt, IsStr

from tests.conftest import Caller
from tests.factories import a_book, a_category

CATEGORIES = "/api/v1/categories"
BOOKS = "/api/v1/books"


async def change(
    client: httpx.AsyncClient, caller: Caller, category: dict[str, Any], **fields: object
) -> httpx.Response:
    return await client.patch(f"{CATEGORIES}/{category['id']}", json=fields, headers=caller.headers)


def link(category: dict[str, Any]) -> dict[str, Any]:
    return {name: category[name] for name in ("id", "name", "slug", "path")}


async def test_a_new_category_stands_at_the_root(client: httpx.AsyncClient, moderator: Caller) -> None:
    answer = await client.post(CATEGORIES, json={"name": " Science  Fiction "}, headers=moderator.headers)
    assert answer.status_code == 201
    category = answer.json()
    assert answer.headers["location"] == f"{CATEGORIES}/{category['id']}"
    assert answer.headers["etag"].startswith('"1.')
    assert category == {
        "id": IsInt(gt=0),
        "name": "Science Fiction",
        "slug": "science-fiction",
        "path": "science-fiction",
        "parent_id": None,
        "depth": 1,
        "ancestors": [],
        "children": [],
        "version": 1,
        "created_at": IsStr(regex=r".*Z"),
        "updated_at": IsStr(regex=r".*Z"),
    }


async def test_a_category_knows_its_ancestors_and_children(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    fiction = await a_category(client, moderator, "Fiction")
    fantasy = await a_category(client, moderator, "Fantasy", parent_id=fiction["id"])
    urban = await a_category(client, moderator, "Urban", slug="urban-fantasy", parent_id=fantasy["id"])
    epic = await a_category(client, moderator, "epic", parent_id=fantasy["id"])
    await a_category(client, moderator, "Sword", parent_id=epic["id"])
    assert urban["path"] == "fiction/fantasy/urban-fantasy"
    for key in ("fantasy", fantasy["id"]):
        read = (await client.get(f"{CATEGORIES}/{key}")).json()
        assert (read["path"], read["depth"], read["parent_id"]) == ("fiction/fantasy", 2, fiction["id"])
        assert read["ancestors"] == [link(fiction)]
        assert read["children"] == [link(epic), link(urban)]
    deepest = (await client.get(f"{CATEGORIES}/sword")).json()
    assert [one["slug"] for one in deepest["ancestors"]] == ["fiction", "fantasy", "epic"]


async def test_a_slug_is_taken_once_in_the_whole_tree(client: httpx.AsyncClient, moderator: Caller) -> None:
    first = await a_category(client, moderator, "History")
    second = await a_category(client, moderator, "Art", parent_id=first["id"])
    for body in ({"name": "HISTORY", "parent_id": second["id"]}, {"name": "X", "slug": "art"}):
        answer = await client.post(CATEGORIES, json=body, headers=moderator.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "slug-taken")
        assert answer.json()["errors"][0]["field"] == "slug"
    answer = await change(client, moderator, second, slug="history")
    assert (answer.status_code, answer.json()["code"]) == (409, "slug-taken")
    assert (await client.get(f"{CATEGORIES}/{second['id']}")).json() == second


async def test_a_parent_that_does_not_exist_is_named(client: httpx.AsyncClient, moderator: Caller) -> None:
    category = await a_category(client, moderator, "History")
    url = f"{CATEGORIES}/{category['id']}"
    body = {"name": "Art", "parent_id": 999_999}
    for answer in (
        await client.post(CATEGORIES, json=body, headers=moderator.headers),
        await client.put(url, json=body, headers=moderator.headers),
        await client.patch(url, json=body, headers=moderator.headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "unknown-category")
        assert answer.json()["errors"][0]["field"] == "parent_id"
    assert (await client.get(url)).json() == category


async def test_a_rename_leaves_the_address_as_it_is(client: httpx.AsyncClient, moderator: Caller) -> None:
    category = await a_category(client, moderator, "Sci-Fi")
    answer = await client.patch(
        f"{CATEGORIES}/sci-fi", json={"name": "Science Fiction"}, headers=moderator.headers
    )
    assert answer.status_code == 200
    assert answer.headers["etag"].startswith('"2.')
    expected = {**category, "name": "Science Fiction", "version": 2, "updated_at": IsStr()}
    assert answer.json() == expected


async def test_put_replaces_everything(client: httpx.AsyncClient, moderator: Caller) -> None:
    parent = await a_category(client, moderator, "Fiction")
    category = await a_category(client, moderator, "Poems", slug="verse", parent_id=parent["id"])
    url = f"{CATEGORIES}/{category['id']}"
    answer = await client.put(url, json={"name": "Poetry"}, headers=moderator.headers)
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["name"], changed["slug"], changed["path"]) == ("Poetry", "poetry", "poetry")
    assert (changed["parent_id"], changed["version"]) == (None, 2)
    assert (await client.get(f"{CATEGORIES}/verse")).status_code == 404


async def test_an_empty_patch_changes_nothing(client: httpx.AsyncClient, moderator: Caller) -> None:
    parent = await a_category(client, moderator, "Fiction")
    category = await a_category(client, moderator, "Poems", parent_id=parent["id"])
    answer = await change(client, moderator, category)
    assert (answer.status_code, answer.json()) == (200, category)


async def test_a_stale_tag_is_refused_and_a_current_one_taken(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    category = await a_category(client, moderator, "Fiction")
    url = f"{CATEGORIES}/{category['id']}"
    etag = (await client.get(url)).headers["etag"]
    # A new child changes the answer, not the category: an editor is not held up by it.
    child = await a_category(client, moderator, "Poems", parent_id=category["id"])
    assert (await client.get(url)).headers["etag"] != etag
    current = {**moderator.headers, "If-Match": etag}
    assert (await client.patch(url, json={"name": "Novels"}, headers=current)).status_code == 200
    for method, body in (("PATCH", {"name": "C"}), ("PUT", {"name": "C"}), ("DELETE", None)):
        answer = await client.request(method, url, json=body, headers=current)
        assert (answer.status_code, answer.json()["code"]) == (412, "stale-version"), method
    assert (await client.delete(f"{CATEGORIES}/{child['id']}", headers=moderator.headers)).status_code == 204


async def test_a_known_tag_answers_304_until_something_shown_changes(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    parent = await a_category(client, moderator, "Fiction")
    await a_category(client, moderator, "Poems", parent_id=parent["id"])
    for url in (f"{CATEGORIES}/poems", CATEGORIES, f"{CATEGORIES}/poems/books"):
        etag = (await client.get(url)).headers["etag"]
        answer = await client.get(url, headers={"If-None-Match": etag})
        assert (answer.status_code, answer.content) == (304, b""), url
    etag = (await client.get(f"{CATEGORIES}/poems")).headers["etag"]
    await change(client, moderator, parent, name="Novels")
    answer = await client.get(f"{CATEGORIES}/poems", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.json()["ancestors"][0]["name"]) == (200, "Novels")


async def test_a_category_in_use_cannot_be_deleted(client: httpx.AsyncClient, moderator: Caller) -> None:
    parent = await a_category(client, moderator, "Fiction")
    child = await a_category(client, moderator, "Poems", parent_id=parent["id"])
    book = await a_book(client, moderator, "Odes", category_ids=[child["id"]])
    for key in ("fiction", "poems"):
        answer = await client.delete(f"{CATEGORIES}/{key}", headers=moderator.headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "category-in-use")
    assert (await client.delete(f"{BOOKS}/{book['id']}", headers=moderator.headers)).status_code == 204
    for key in ("poems", "fiction"):
        answer = await client.delete(f"{CATEGORIES}/{key}", headers=moderator.headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await client.get(f"{CATEGORIES}/{key}")).status_code == 404


@pytest.mark.parametrize("key", ["999999", "nothing", "9" * 18, "9" * 19, "Fiction!", "١٢", "%F0%9F%93%9A"])
async def test_unknown_categories_are_not_found(
    client: httpx.AsyncClient, moderator: Caller, key: str
) -> None:
    url = f"{CATEGORIES}/{key}"
    stale = {**moderator.headers, "If-Match": '"7"'}
    for answer in (
        await client.get(url),
        await client.get(f"{url}/books"),
        await client.get(f"{CATEGORIES}?parent={key}"),
        await client.put(url, json={"name": "A"}, headers=stale),
        await client.patch(url, json={}, headers=stale),
        await client.delete(url, headers=stale),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "category-not-found")


@pytest.mark.parametrize("key", ["%00", "a%00", "%0A", "x" * 81])
async def test_what_cannot_be_a_key_is_refused(client: httpx.AsyncClient, key: str) -> None:
    for url in (f"{CATEGORIES}/{key}", f"{CATEGORIES}/{key}/books", f"{CATEGORIES}?parent={key}"):
        assert (await client.get(url)).status_code == 422, url


async def test_writing_needs_the_permission(client: httpx.AsyncClient, seller: Caller) -> None:
    nobody: dict[str, str] = {}
    for headers, status in ((nobody, 401), ({"Authorization": "Bearer x"}, 401), (seller.headers, 403)):
        for method, url in (
            ("POST", CATEGORIES),
            ("PUT", f"{CATEGORIES}/1"),
            ("PATCH", f"{CATEGORIES}/1"),
            ("DELETE", f"{CATEGORIES}/1"),
        ):
            answer = await client.request(method, url, json={"name": "A"}, headers=headers)
            assert answer.status_code == status, (method, headers)


@pytest.mark.parametrize("name", ["歴史", "فانتازيا", "📚", "1984"])
async def test_names_of_every_script_are_kept_with_a_slug_of_their_own(
    client: httpx.AsyncClient, moderator: Caller, name: str
) -> None:
    answer = await client.post(CATEGORIES, json={"name": name}, headers=moderator.headers)
    assert answer.status_code == 422
    assert "slug" in answer.json()["detail"]
    assert (await a_category(client, moderator, name, slug="a-slug"))["name"] == name


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": " \t "}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "A", "slug": ""}, "slug"),
        ({"name": "A", "slug": "12"}, "slug"),
        ({"name": "A", "slug": "Big"}, "slug"),
        ({"name": "A", "slug": "a--b"}, "slug"),
        ({"name": "A", "slug": "a/b"}, "slug"),
        ({"name": "A", "slug": "a%"}, "slug"),
        ({"name": "A", "slug": "a\nb"}, "slug"),
        ({"name": "A", "slug": "x" * 81}, "slug"),
        ({"name": "A", "parent_id": 0}, "parent_id"),
        ({"name": "A", "parent_id": 2**63}, "parent_id"),
        ({"name": "A", "parent_id": "fiction"}, "parent_id"),
        ({"name": "A", "path": "a"}, "path"),
    ],
)
async def test_bad_fields_are_refused_by_name(
    client: httpx.AsyncClient, moderator: Caller, body: dict[str, object], field: str
) -> None:
    answer = await client.post(CATEGORIES, json=body, headers=moderator.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("field", ["name", "slug"])
async def test_null_is_refused_where_it_has_no_meaning(
    client: httpx.AsyncClient, moderator: Caller, field: str
) -> None:
    category = await a_category(client, moderator, "Fiction")
    answer = await change(client, moderator, category, **{field: None})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
