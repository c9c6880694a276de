"""Two authors become one: books, works, names, addresses, lists and the audit."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.permissions import Role
from tests.catalog.merges.arrange import (
    ADMIN,
    AUTHORS,
    BOOKS,
    WORKS,
    audited,
    author_of,
    credits_of,
    merge,
    read,
    read_book,
)
from tests.conftest import Caller, SignUp
from tests.factories import a_book


@pytest.fixture
async def book(client: httpx.AsyncClient, seller: Caller) -> dict[str, Any]:
    """A book by the author that is to be merged."""
    return await a_book(client, seller, "The Hobbit", author="J. R. R. Tolkein")


@pytest.fixture
async def target(client: httpx.AsyncClient, seller: Caller) -> int:
    """The author that stays."""
    return author_of(await a_book(client, seller, "The Silmarillion", author="J.R.R. Tolkien"))


async def test_books_and_works_are_re_pointed_and_the_answer_counts_them(
    client: httpx.AsyncClient, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    source = author_of(book)
    done = await merge(client, moderator, "author", source, target)
    assert done["moved"] == {"contributions": 1, "dropped": 0, "works": 1, "aliases": 1}
    assert (done["source"], done["target"]) == (
        {"id": source, "name": "J. R. R. Tolkein"},
        {"id": target, "name": "J.R.R. Tolkien"},
    )
    after = await read_book(client, book)
    assert (credits_of(after), after["author"]) == ([(target, "author", 1)], "J.R.R. Tolkien")
    work = await read(client, f"{WORKS}/{book['work_id']}")
    assert work["author"] == {"id": target, "name": "J.R.R. Tolkien"}


async def test_the_old_address_leads_to_the_new_one_whatever_the_method(
    client: httpx.AsyncClient, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    source = author_of(book)
    await merge(client, moderator, "author", source, target)
    for method, body in (("GET", None), ("PATCH", {"name": "X"}), ("PUT", {"name": "X"}), ("DELETE", None)):
        answer = await client.request(method, f"{AUTHORS}/{source}", json=body, headers=moderator.headers)
        assert (answer.status_code, answer.headers["location"]) == (308, f"{AUTHORS}/{target}"), method
        assert (answer.json()["code"], answer.json()["current_id"]) == ("author-merged", target)
        assert answer.headers["cache-control"] == "no-store"
    books = await client.get(f"{AUTHORS}/{source}/books", params={"limit": 1, "sort": "-price"})
    assert books.headers["location"] == f"{AUTHORS}/{target}/books?limit=1&sort=-price"
    followed = await client.get(f"{AUTHORS}/{source}/books?limit=5", follow_redirects=True)
    assert followed.json()["total"] == 2


async def test_after_a_chain_of_merges_every_old_id_leads_to_the_last(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    first = author_of(book)
    last = author_of(await a_book(client, seller, "Roverandom", author="John Ronald Reuel Tolkien"))
    await merge(client, moderator, "author", first, target)
    await merge(client, moderator, "author", target, last)
    for old in (first, target):
        answer = await client.get(f"{AUTHORS}/{old}")
        assert answer.headers["location"] == f"{AUTHORS}/{last}"
    assert author_of(await read_book(client, book)) == last


async def test_the_old_names_are_aliases_and_find_the_target(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    await client.patch(
        f"{AUTHORS}/{author_of(book)}",
        json={"aliases": ["Tolkein", "J.R.R. Tolkien"]},
        headers=moderator.headers,
    )
    await merge(client, moderator, "author", author_of(book), target)
    assert (await read(client, f"{AUTHORS}/{target}"))["aliases"] == ["J. R. R. Tolkein", "Tolkein"]
    again = await a_book(client, seller, "Mr. Bliss", author="j. r. r. tolkein")
    assert author_of(again) == target


async def test_books_are_searched_by_both_names_until_the_merge_is_undone(
    client: httpx.AsyncClient, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    async def found(name: str) -> set[str]:
        return {one["title"] for one in (await read(client, f"{BOOKS}?author={name}"))["items"]}

    both = {"The Hobbit", "The Silmarillion"}
    done = await merge(client, moderator, "author", author_of(book), target)
    assert (await found("tolkein"), await found("tolkien")) == (both, both)
    await client.post(f"{ADMIN}/merges/{done['id']}/undo", headers=moderator.headers)
    assert (await found("tolkein"), await found("tolkien")) == ({"The Hobbit"}, {"The Silmarillion"})


async def test_what_search_knows_of_books_is_made_anew_by_merge_and_undo(
    client: httpx.AsyncClient,
    session: AsyncSession,
    seller: Caller,
    moderator: Caller,
    book: dict[str, Any],
    target: int,
) -> None:
    async def documents() -> list[tuple[list[int], bool]]:
        known = await session.execute(
            text("SELECT author_ids, words @@ 'silmarillion & tolkein' FROM book_documents ORDER BY book_id")
        )
        return [(author_ids, is_found) for author_ids, is_found in known]

    source = author_of(book)
    done = await merge(client, moderator, "author", source, target)
    assert await documents() == [([target], False), ([target], True)]
    await client.post(f"{ADMIN}/merges/{done['id']}/undo", headers=moderator.headers)
    assert await documents() == [([source], False), ([target], False)]
    await client.patch(f"{BOOKS}/{book['id']}", json={"contributors": []}, headers=seller.headers)
    assert await documents() == [([], False), ([target], False)]


async def test_a_merged_author_is_in_no_list(
    client: httpx.AsyncClient, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    await merge(client, moderator, "author", author_of(book), target)
    listed = await read(client, f"{AUTHORS}?search=tolkein")
    assert [one["id"] for one in listed["items"]] == [target]


async def test_a_book_that_names_both_in_one_role_keeps_the_first_in_print(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    source = author_of(book)
    contributors = [
        {"author_id": source},
        {"name": "Somebody Else"},
        {"author_id": target},
        {"author_id": target, "role": "illustrator"},
    ]
    both = await a_book(client, seller, "Letters", contributors=contributors)
    done = await merge(client, moderator, "author", source, target)
    other = both["contributors"][1]["author_id"]
    kept = [(target, "author", 1), (other, "author", 2), (target, "illustrator", 4)]
    assert credits_of(await read_book(client, both)) == kept
    assert (done["moved"]["contributions"], done["moved"]["dropped"]) == (2, 1)


async def test_the_tag_of_a_book_changes_with_the_merge_and_with_its_undo_but_not_its_version(
    client: httpx.AsyncClient, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    path, tags = f"{BOOKS}/{book['id']}", set()
    tags.add((await client.get(path)).headers["etag"])
    done = await merge(client, moderator, "author", author_of(book), target)
    merged = await client.get(path)
    tags.add(merged.headers["etag"])
    assert merged.json()["version"] == book["version"]
    await client.post(f"{ADMIN}/merges/{done['id']}/undo", headers=moderator.headers)
    tags.add((await client.get(path)).headers["etag"])
    assert len(tags) == 3


async def test_a_book_may_name_a_merged_author_and_gets_the_one_that_stands(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    source = author_of(book)
    await merge(client, moderator, "author", source, target)
    later = await a_book(client, seller, "Letters", contributors=[{"author_id": source}])
    assert author_of(later) == target
    twice = {"contributors": [{"author_id": source}, {"author_id": target}]}
    refused = await client.patch(f"{BOOKS}/{book['id']}", json=twice, headers=seller.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "duplicate-contributor")


async def test_works_that_share_a_title_now_are_named_in_the_answer(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    other = await a_book(client, seller, "THE HOBBIT", contributors=[{"author_id": target}])
    done = await merge(client, moderator, "author", author_of(book), target)
    assert done["works_of_one_title"] == [[book["work_id"], other["work_id"]]]
    await merge(client, moderator, "work", other["work_id"], book["work_id"])
    third = await a_book(client, seller, "The Hobbit", contributors=[{"author_id": target}])
    assert third["work_id"] == book["work_id"]


async def test_merges_are_audited_with_ids_and_names(
    client: httpx.AsyncClient, sign_up: SignUp, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    admin, source = await sign_up(Role.ADMIN), author_of(book)
    done = await merge(client, moderator, "author", source, target)
    entry = await audited(client, admin, "author.merged")
    assert (entry["actor_id"], entry["target_id"]) == (moderator.id, str(source))
    assert entry["changes"] == {
        "merged_into": [None, target],
        "name": ["J. R. R. Tolkein", "J.R.R. Tolkien"],
    }
    await client.post(f"{ADMIN}/merges/{done['id']}/undo", headers=moderator.headers)
    undone = await audited(client, admin, "author.merge_undone")
    assert undone["changes"] == {
        "merged_into": [target, None],
        "name": ["J.R.R. Tolkien", "J. R. R. Tolkein"],
    }


async def test_nonsensical_merges_are_refused(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, book: dict[str, Any], target: int
) -> None:
    source = author_of(book)

    async def refusal(merged: int, into: object) -> tuple[int, str]:
        path = f"{ADMIN}/authors/{merged}/merge"
        answer = await client.post(path, json={"into": into}, headers=moderator.headers)
        return answer.status_code, answer.json()["code"]

    assert await refusal(source, source) == (409, "merge-into-itself")
    assert await refusal(source, 987654321) == (409, "unknown-merge-target")
    assert await refusal(987654321, target) == (404, "author-not-found")
    for bad in (0, -1, "x", None, 2**63):
        assert await refusal(source, bad) == (422, "validation")
    await merge(client, moderator, "author", source, target)
    assert await refusal(source, target) == (409, "already-merged")
    assert await refusal(target, source) == (409, "merge-into-itself")
    other = author_of(await a_book(client, seller, "Beowulf", author="Anonymous"))
    followed = await merge(client, moderator, "author", other, source)
    assert followed["target"]["id"] == target


async def test_an_author_that_others_were_merged_into_cannot_be_deleted(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    ids = []
    for name in ("One", "Two"):
        answer = await client.post(AUTHORS, json={"name": name}, headers=moderator.headers)
        ids.append(answer.json()["id"])
    await merge(client, moderator, "author", ids[0], ids[1])
    refused = await client.delete(f"{AUTHORS}/{ids[1]}", headers=moderator.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "author-in-use")
