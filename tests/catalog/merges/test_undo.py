"""Merges taken back: what returns, what was edited since and stays, what must be undone first."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from tests.catalog.merges.arrange import (
    ADMIN,
    AUTHORS,
    BOOKS,
    WORKS,
    author_of,
    credits_of,
    merge,
    read,
    read_book,
    undo,
)
from tests.conftest import Caller
from tests.factories import a_book

Made = dict[str, Any]


@pytest.fixture
async def old(client: httpx.AsyncClient, seller: Caller) -> Made:
    """A book by the author that is to be merged."""
    return await a_book(client, seller, "The Hobbit", author="Tolkein")


@pytest.fixture
async def new(client: httpx.AsyncClient, seller: Caller) -> Made:
    """A book by the author that stays."""
    return await a_book(client, seller, "Roverandom", author="Tolkien")


async def test_an_undone_merge_leaves_everything_as_it_was(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, old: Made, new: Made
) -> None:
    source, target = author_of(old), author_of(new)
    contributors = [{"author_id": target}, {"author_id": source}, {"author_id": source, "role": "editor"}]
    both = await a_book(client, seller, "Letters", contributors=contributors)
    before = [credits_of(book) for book in (old, new, both)]
    done = await merge(client, moderator, "author", source, target)
    answer = await undo(client, moderator, done["id"])
    assert answer.status_code == 200
    body = answer.json()
    assert body["restored"] == {"contributions": 2, "dropped": 1, "works": 1, "aliases": 1}
    assert (body["left"], body["undone_by"]) == ([], moderator.id)
    assert [credits_of(await read_book(client, book)) for book in (old, new, both)] == before
    assert (await read(client, f"{AUTHORS}/{source}"))["name"] == "Tolkein"
    assert (await read(client, f"{AUTHORS}/{target}"))["aliases"] == []
    assert (await read(client, f"{WORKS}/{old['work_id']}"))["author"]["id"] == source


async def test_what_was_edited_since_stays_and_is_named(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, old: Made, new: Made
) -> None:
    source, target = author_of(old), author_of(new)
    gone = await a_book(client, seller, "Gone", contributors=[{"author_id": source}])
    edited = await a_book(client, seller, "Edited", contributors=[{"author_id": source}])
    done = await merge(client, moderator, "author", source, target)
    changed = {"contributors": [{"author_id": target, "role": "editor"}]}
    assert (await client.patch(f"{BOOKS}/{edited['id']}", json=changed, headers=seller.headers)).is_success
    assert (await client.delete(f"{BOOKS}/{gone['id']}", headers=seller.headers)).is_success
    aliases = await client.patch(f"{AUTHORS}/{target}", json={"aliases": ["JRRT"]}, headers=moderator.headers)
    assert aliases.is_success
    body = (await undo(client, moderator, done["id"])).json()
    assert body["left"] == sorted([gone["id"], edited["id"]])
    assert (body["restored"]["contributions"], body["restored"]["aliases"]) == (1, 0)
    assert author_of(await read_book(client, old)) == source
    assert credits_of(await read_book(client, edited)) == [(target, "editor", 1)]
    assert (await read(client, f"{AUTHORS}/{target}"))["aliases"] == ["JRRT"]


async def test_a_merge_is_undone_once(
    client: httpx.AsyncClient, moderator: Caller, old: Made, new: Made
) -> None:
    done = await merge(client, moderator, "author", author_of(old), author_of(new))
    assert (await undo(client, moderator, done["id"])).status_code == 200
    again = await undo(client, moderator, done["id"])
    assert (again.status_code, again.json()["code"]) == (409, "already-undone")
    unknown = await undo(client, moderator, 987654321)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "merge-not-found")


async def test_a_merge_whose_target_was_merged_further_names_the_merge_to_undo_first(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, old: Made, new: Made
) -> None:
    last = author_of(await a_book(client, seller, "Mr. Bliss", author="J.R.R.T."))
    first = await merge(client, moderator, "author", author_of(old), author_of(new))
    second = await merge(client, moderator, "author", author_of(new), last)
    refused = await undo(client, moderator, first["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "merged-further")
    assert refused.json()["undo_first"] == second["id"]
    for one in (second, first):
        assert (await undo(client, moderator, one["id"])).status_code == 200
    for book in (old, new):
        assert credits_of(await read_book(client, book)) == credits_of(book)


async def test_a_merge_that_a_later_one_built_on_is_undone_after_it(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, old: Made, new: Made
) -> None:
    third = author_of(await a_book(client, seller, "Mr. Bliss", author="J.R.R.T."))
    names = [{"author_id": author_of(old)}, {"author_id": third}]
    both = await a_book(client, seller, "Letters", contributors=names)
    first = await merge(client, moderator, "author", author_of(old), author_of(new))
    second = await merge(client, moderator, "author", third, author_of(new))
    assert second["moved"]["dropped"] == 1
    refused = await undo(client, moderator, first["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "merged-further")
    assert refused.json()["undo_first"] == second["id"]
    for one in (second, first):
        assert (await undo(client, moderator, one["id"])).json()["left"] == []
    assert credits_of(await read_book(client, both)) == credits_of(both)


async def test_later_merges_that_touch_other_books_do_not_stand_in_the_way(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, old: Made, new: Made
) -> None:
    third = author_of(await a_book(client, seller, "Mr. Bliss", author="J.R.R.T."))
    names = [{"author_id": author_of(new)}, {"author_id": third}]
    both = await a_book(client, seller, "Letters", contributors=names)
    first = await merge(client, moderator, "author", author_of(old), author_of(new))
    second = await merge(client, moderator, "author", third, author_of(new))
    assert second["moved"]["dropped"] == 1
    for one in (first, second):
        assert (await undo(client, moderator, one["id"])).json()["left"] == []
    assert credits_of(await read_book(client, both)) == credits_of(both)


@pytest.mark.parametrize("kind", ["author", "work"])
async def test_merges_of_very_many_books_can_be_undone(
    client: httpx.AsyncClient, session: AsyncSession, moderator: Caller, kind: str
) -> None:
    old, new = [await a_book(client, moderator, title, author=title) for title in ("Old", "New")]
    ids = [author_of(book) if kind == "author" else book["work_id"] for book in (old, new)]
    done = await merge(client, moderator, kind, *ids)
    # As if it had moved 40,000 books more, which are deleted since.
    gone = range(1_000_000, 1_040_000)
    more: dict[str, list[Any]] = {"moved": [[one, 1, 1, "author"] for one in gone], "editions": list(gone)}
    record: dict[str, list[Any]] = await session.scalar(text("SELECT record FROM merges"))
    grown = {name: [*kept, *more.get(name, [])] for name, kept in record.items()}
    await session.execute(
        text("UPDATE merges SET record = CAST(:grown AS jsonb)"), {"grown": json.dumps(grown)}
    )
    await session.flush()
    undone = await undo(client, moderator, done["id"])
    assert (undone.status_code, undone.json().get("left")) == (200, list(gone))
    after = await read_book(client, old)
    assert (after["work_id"], credits_of(after)) == (old["work_id"], credits_of(old))


async def test_an_undone_source_can_be_merged_again(
    client: httpx.AsyncClient, moderator: Caller, old: Made, new: Made
) -> None:
    first = await merge(client, moderator, "author", author_of(old), author_of(new))
    await undo(client, moderator, first["id"])
    await merge(client, moderator, "author", author_of(new), author_of(old))
    assert author_of(await read_book(client, new)) == author_of(old)


async def test_versions_and_tags_only_rise_and_slowly_while_a_merge_is_done_and_undone_again_and_again(
    client: httpx.AsyncClient, seller: Caller, moderator: Caller, old: Made, new: Made
) -> None:
    source, target = author_of(old), author_of(new)
    names = [{"author_id": source}, {"author_id": target}]
    both = await a_book(client, seller, "Letters", contributors=names)
    tags: list[tuple[tuple[int, ...], ...]] = []

    async def tag_of(book: Made) -> tuple[int, ...]:
        etag = (await client.get(f"{BOOKS}/{book['id']}")).headers["etag"]
        return tuple(map(int, etag.strip('"').split(".")))

    for _ in range(10):
        done = await merge(client, moderator, "author", source, target)
        tags.append((await tag_of(old), await tag_of(new), await tag_of(both)))
        assert (await undo(client, moderator, done["id"])).status_code == 200
        tags.append((await tag_of(old), await tag_of(new), await tag_of(both)))
    for of_one_book in zip(*tags, strict=True):
        assert list(of_one_book) == sorted(set(of_one_book))
    for author in (source, target):
        assert (await read(client, f"{AUTHORS}/{author}"))["version"] < 50


async def test_the_list_of_merges_is_newest_first_and_can_be_filtered(
    client: httpx.AsyncClient, moderator: Caller, old: Made, new: Made
) -> None:
    authors = await merge(client, moderator, "author", author_of(old), author_of(new))
    works = await merge(client, moderator, "work", old["work_id"], new["work_id"])
    await undo(client, moderator, authors["id"])

    async def listed(**query: str | bool) -> list[int]:
        answer = await client.get(f"{ADMIN}/merges", params=query, headers=moderator.headers)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        return [one["id"] for one in answer.json()["items"]]

    assert set(await listed()) == {works["id"], authors["id"]}
    assert await listed(kind="work") == [works["id"]]
    assert await listed(undone=True) == [authors["id"]]
    assert await listed(undone=False) == [works["id"]]
    bad = await client.get(f"{ADMIN}/merges?who=me", headers=moderator.headers)
    assert bad.status_code == 422
