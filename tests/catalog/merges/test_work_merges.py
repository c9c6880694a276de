"""Two works become one, and two again."""

from typing import Any

import httpx
import pytest

from app.identity.permissions import Role
from tests.catalog.merges.arrange import ADMIN, BOOKS, WORKS, audited, merge, read, read_book, undo
from tests.conftest import Caller, SignUp
from tests.factories import a_book

Made = dict[str, Any]


@pytest.fixture
async def german(client: httpx.AsyncClient, seller: Caller) -> Made:
    """An edition whose work is to be merged."""
    return await a_book(client, seller, "Der Hobbit", author="Tolkien")


@pytest.fixture
async def english(client: httpx.AsyncClient, seller: Caller) -> Made:
    """An edition of the work that stays."""
    return await a_book(client, seller, "The Hobbit", author="Tolkien")


async def test_editions_move_and_the_old_id_leads_to_the_new_one(
    client: httpx.AsyncClient, moderator: Caller, german: Made, english: Made
) -> None:
    done = await merge(client, moderator, "work", german["work_id"], english["work_id"])
    assert (done["moved"], done["source"]["name"]) == ({"editions": 1}, "Der Hobbit")
    work = await read(client, f"{WORKS}/{english['work_id']}")
    assert {one["id"] for one in work["editions"]} == {german["id"], english["id"]}
    for method in ("GET", "PATCH"):
        answer = await client.request(
            method, f"{WORKS}/{german['work_id']}", json={"title": "X"}, headers=moderator.headers
        )
        assert (answer.status_code, answer.json()["code"]) == (308, "work-merged")
        assert answer.headers["location"] == f"{WORKS}/{english['work_id']}"


async def test_a_merge_of_works_changes_the_tags_of_their_books(
    client: httpx.AsyncClient, moderator: Caller, german: Made, english: Made
) -> None:
    path = f"{BOOKS}/{german['id']}"
    before = (await client.get(path)).headers["etag"]
    await merge(client, moderator, "work", german["work_id"], english["work_id"])
    answer = await client.get(path, headers={"If-None-Match": before})
    assert (answer.status_code, answer.json()["work_id"]) == (200, english["work_id"])


async def test_a_book_may_name_a_merged_work_and_gets_the_one_that_stands(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, german: Made, english: Made
) -> None:
    await merge(client, moderator, "work", german["work_id"], english["work_id"])
    made = await a_book(client, seller, "Der kleine Hobbit", work_id=german["work_id"])
    assert made["work_id"] == english["work_id"]
    other = await a_book(client, seller, "Kleiner Hobbit")
    moved = await client.patch(
        f"{BOOKS}/{other['id']}", json={"work_id": german["work_id"]}, headers=seller.headers
    )
    assert moved.json()["work_id"] == english["work_id"]


async def test_a_new_edition_with_the_title_of_a_merged_work_is_of_the_one_that_stands(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, german: Made, english: Made
) -> None:
    await merge(client, moderator, "work", german["work_id"], english["work_id"])
    again = await a_book(client, seller, "Der Hobbit", author="Tolkien")
    assert again["work_id"] == english["work_id"]


async def test_the_undo_gives_the_editions_back(
    client: httpx.AsyncClient, sign_up: SignUp, seller: Caller, moderator: Caller, german: Made, english: Made
) -> None:
    moved_on = await a_book(client, seller, "Hobbit", work_id=german["work_id"])
    done = await merge(client, moderator, "work", german["work_id"], english["work_id"])
    elsewhere = await a_book(client, seller, "Bilbo")
    edited = {"work_id": elsewhere["work_id"]}
    assert (await client.patch(f"{BOOKS}/{moved_on['id']}", json=edited, headers=seller.headers)).is_success
    body = (await undo(client, moderator, done["id"])).json()
    assert (body["restored"], body["left"]) == ({"editions": 1}, [moved_on["id"]])
    assert (await read_book(client, german))["work_id"] == german["work_id"]
    assert (await read(client, f"{WORKS}/{german['work_id']}"))["edition_count"] == 1
    entry = await audited(client, await sign_up(Role.ADMIN), "work.merge_undone")
    assert entry["changes"]["name"] == ["The Hobbit", "Der Hobbit"]


async def test_works_of_a_merge_outlive_their_editions_until_it_is_undone(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, german: Made, english: Made
) -> None:
    done = await merge(client, moderator, "work", german["work_id"], english["work_id"])
    for book in (german, english):
        assert (await client.delete(f"{BOOKS}/{book['id']}", headers=seller.headers)).status_code == 204
    assert (await client.get(f"{WORKS}/{german['work_id']}")).status_code == 308
    assert (await read(client, f"{WORKS}/{english['work_id']}"))["editions"] == []
    body = (await undo(client, moderator, done["id"])).json()
    assert body["left"] == [german["id"]]
    for book in (german, english):
        assert (await client.get(f"{WORKS}/{book['work_id']}")).status_code == 404


async def test_nonsensical_merges_of_works_are_refused(
    client: httpx.AsyncClient, moderator: Caller, german: Made, english: Made
) -> None:
    async def refusal(source: int, into: int) -> tuple[int, str]:
        answer = await client.post(
            f"{ADMIN}/works/{source}/merge", json={"into": into}, headers=moderator.headers
        )
        return answer.status_code, answer.json()["code"]

    old, new = german["work_id"], english["work_id"]
    assert await refusal(old, old) == (409, "merge-into-itself")
    assert await refusal(old, 987654321) == (409, "unknown-merge-target")
    assert await refusal(987654321, old) == (404, "work-not-found")
    await merge(client, moderator, "work", old, new)
    assert await refusal(old, new) == (409, "already-merged")
    assert await refusal(new, old) == (409, "merge-into-itself")
