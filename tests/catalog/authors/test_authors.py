"""Authors over HTTP: writing, reading, who may, bad input, concurrent writers."""

import httpx
import pytest
from dirty_equals import IsInt, IsStr

from tests.conftest import Caller
from tests.factories import a_book, an_author

AUTHORS = "/api/v1/authors"
BOOKS = "/api/v1/books"


async def test_a_new_author_gets_a_sort_name(client: httpx.AsyncClient, moderator: Caller) -> None:
    answer = await client.post(AUTHORS, json={"name": " Ursula  K. Le Guin "}, headers=moderator.headers)
    assert answer.status_code == 201
    author = answer.json()
    assert answer.headers["location"] == f"{AUTHORS}/{author['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert author == {
        "id": IsInt(gt=0),
        "name": "Ursula K. Le Guin",
        "sort_name": "Le Guin, Ursula K.",
        "aliases": [],
        "version": 1,
        "created_at": IsStr(regex=r".*Z"),
        "updated_at": IsStr(regex=r".*Z"),
    }
    read = await client.get(answer.headers["location"])
    assert read.json() == author
    assert read.headers["etag"] == '"1"'
    assert read.headers["cache-control"] == "public, no-cache"


async def test_a_stated_sort_name_is_kept_and_aliases_are_stated_once(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    aliases = ["Mark  Twain", "Quintus Snodgrass", "Mark Twain"]
    author = await an_author(
        client, moderator, name="Samuel Clemens", sort_name="Twain, Mark", aliases=aliases
    )
    assert author["sort_name"] == "Twain, Mark"
    assert author["aliases"] == ["Mark Twain", "Quintus Snodgrass"]


async def test_two_people_may_share_a_name(client: httpx.AsyncClient, moderator: Caller) -> None:
    first, second = await an_author(client, moderator), await an_author(client, moderator)
    assert first["id"] != second["id"]


async def test_put_replaces_everything(client: httpx.AsyncClient, moderator: Caller) -> None:
    author = await an_author(client, moderator, sort_name="X", aliases=["Ursula Kroeber"])
    url = f"{AUTHORS}/{author['id']}"
    answer = await client.put(url, json={"name": "Octavia E. Butler"}, headers=moderator.headers)
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    changed = answer.json()
    assert (changed["name"], changed["sort_name"]) == ("Octavia E. Butler", "Butler, Octavia E.")
    assert (changed["aliases"], changed["version"]) == ([], 2)
    assert (await client.get(url)).json() == changed


async def test_patch_sets_only_what_is_sent(client: httpx.AsyncClient, moderator: Caller) -> None:
    author = await an_author(client, moderator, aliases=["UKL"])
    url = f"{AUTHORS}/{author['id']}"
    answer = await client.patch(url, json={"sort_name": "Guin"}, headers=moderator.headers)
    assert answer.json() == {**author, "sort_name": "Guin", "version": 2, "updated_at": IsStr()}
    answer = await client.patch(url, json={"aliases": []}, headers=moderator.headers)
    assert (answer.json()["aliases"], answer.json()["sort_name"]) == ([], "Guin")


async def test_a_sort_name_follows_the_name_unless_it_was_set_by_hand(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    made, set_by_hand = (
        await an_author(client, moderator),
        await an_author(client, moderator, sort_name="Ursula"),
    )
    rename = {"name": "Ursula Kroeber"}
    answer = await client.patch(f"{AUTHORS}/{made['id']}", json=rename, headers=moderator.headers)
    assert answer.json()["sort_name"] == "Kroeber, Ursula"
    answer = await client.patch(f"{AUTHORS}/{set_by_hand['id']}", json=rename, headers=moderator.headers)
    assert answer.json()["sort_name"] == "Ursula"


async def test_an_empty_patch_changes_nothing(client: httpx.AsyncClient, moderator: Caller) -> None:
    author = await an_author(client, moderator)
    answer = await client.patch(f"{AUTHORS}/{author['id']}", json={}, headers=moderator.headers)
    assert answer.status_code == 200
    assert answer.json() == author


async def test_a_stale_tag_is_refused_and_a_current_one_taken(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    author = await an_author(client, moderator)
    url = f"{AUTHORS}/{author['id']}"
    current = {**moderator.headers, "If-Match": '"1"'}
    assert (await client.patch(url, json={"name": "A B"}, headers=current)).status_code == 200
    for method, body in (("PATCH", {"name": "C D"}), ("PUT", {"name": "C D"}), ("DELETE", None)):
        answer = await client.request(method, url, json=body, headers=current)
        assert answer.status_code == 412, method
        assert answer.json()["code"] == "stale-version"
        assert answer.json()["current_version"] == 2
    weak = {**moderator.headers, "If-Match": 'W/"2"'}
    assert (await client.delete(url, headers=weak)).status_code == 204


async def test_a_known_tag_answers_304_without_a_body(client: httpx.AsyncClient, moderator: Caller) -> None:
    author = await an_author(client, moderator)
    for url in (f"{AUTHORS}/{author['id']}", AUTHORS, f"{AUTHORS}/{author['id']}/books"):
        etag = (await client.get(url)).headers["etag"]
        answer = await client.get(url, headers={"If-None-Match": f'"other", W/{etag}'})
        assert (answer.status_code, answer.content) == (304, b""), url
        assert answer.headers["etag"] == etag


async def test_an_author_of_books_cannot_be_deleted(client: httpx.AsyncClient, moderator: Caller) -> None:
    author = await an_author(client, moderator)
    contributor = {"author_id": author["id"], "role": "translator"}
    book = await a_book(client, moderator, contributors=[contributor])
    url = f"{AUTHORS}/{author['id']}"
    answer = await client.delete(url, headers=moderator.headers)
    assert answer.status_code == 409
    assert answer.json()["code"] == "author-in-use"
    assert (await client.delete(f"{BOOKS}/{book['id']}", headers=moderator.headers)).status_code == 204
    answer = await client.delete(url, headers=moderator.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(url)).json()["code"] == "author-not-found"


@pytest.mark.parametrize("author_id", [2**63 - 1, 999_999])
async def test_unknown_authors_are_not_found(
    client: httpx.AsyncClient, moderator: Caller, author_id: int
) -> None:
    url = f"{AUTHORS}/{author_id}"
    stale = {**moderator.headers, "If-Match": '"7"'}
    for answer in (
        await client.get(url),
        await client.get(f"{url}/books"),
        await client.put(url, json={"name": "A"}, headers=stale),
        await client.patch(url, json={}, headers=stale),
        await client.delete(url, headers=stale),
    ):
        assert answer.status_code == 404
        assert answer.json()["code"] == "author-not-found"


@pytest.mark.parametrize("author_id", ["0", "-1", "x", str(2**63), "1.5"])
async def test_what_cannot_be_an_id_is_refused(client: httpx.AsyncClient, author_id: str) -> None:
    for url in (f"{AUTHORS}/{author_id}", f"{AUTHORS}/{author_id}/books"):
        answer = await client.get(url)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "author_id"


async def test_writing_needs_the_permission(client: httpx.AsyncClient, seller: Caller) -> None:
    nobody: dict[str, str] = {}
    for headers, status in ((nobody, 401), ({"Authorization": "Bearer x"}, 401), (seller.headers, 403)):
        for method, url in (
            ("POST", AUTHORS),
            ("PUT", f"{AUTHORS}/1"),
            ("PATCH", f"{AUTHORS}/1"),
            ("DELETE", f"{AUTHORS}/1"),
        ):
            answer = await client.request(method, url, json={"name": "A"}, headers=headers)
            assert answer.status_code == status, (method, headers)
            assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "name",
    [
        "José Ortega y Gasset",
        "紫式部",
        "نجيب محفوظ",
        "שלום עליכם",
        "Nguyễn Du",
        "🦊 Fox",
        "O'Brien % _ \\ \"",
        "\U0001d518",
    ],
)
async def test_names_of_every_script_are_kept_and_found(
    client: httpx.AsyncClient, moderator: Caller, name: str
) -> None:
    author = await an_author(client, moderator, name=name)
    assert author["name"] == name
    found = await client.get(AUTHORS, params={"search": name})
    assert [one["id"] for one in found.json()["items"]] == [author["id"]]


async def test_decomposed_letters_are_composed(client: httpx.AsyncClient, moderator: Caller) -> None:
    author = await an_author(client, moderator, name="Jose\u0301", aliases=["Jose\u0301 O."])
    assert (author["name"], author["aliases"]) == ("Jos\u00e9", ["Jos\u00e9 O."])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  \u00a0"}, "name"),
        ({"name": "\u200b\u200d"}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": 7}, "name"),
        ({"name": "A", "sort_name": " "}, "sort_name"),
        ({"name": "A", "aliases": ["ok", ""]}, "aliases.1"),
        ({"name": "A", "aliases": [f"alias {number}" for number in range(101)]}, "aliases"),
        ({"name": "A", "aliases": None}, "aliases"),
        ({"name": "A", "born": 1929}, "born"),
    ],
)
async def test_bad_fields_are_refused_by_name(
    client: httpx.AsyncClient, moderator: Caller, body: dict[str, object], field: str
) -> None:
    answer = await client.post(AUTHORS, json=body, headers=moderator.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


@pytest.mark.parametrize("field", ["name", "sort_name", "aliases"])
async def test_null_is_refused_where_it_has_no_meaning(
    client: httpx.AsyncClient, moderator: Caller, field: str
) -> None:
    author = await an_author(client, moderator)
    url = f"{AUTHORS}/{author['id']}"
    answer = await client.patch(url, json={field: None}, headers=moderator.headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await client.get(url)).json() == author


async def test_a_surrogate_half_is_refused(client: httpx.AsyncClient, moderator: Caller) -> None:
    headers = {**moderator.headers, "Content-Type": "application/json"}
    answer = await client.post(AUTHORS, content=rb'{"name": "\ud800"}', headers=headers)
    assert answer.status_code == 422
