"""Merges, edits and deletions at the same moment, with real commits."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from tests.catalog.merges.arrange import ADMIN, BOOKS, WORKS, author_of, merge, merging, read_book
from tests.catalog.waiting import hold, until_somebody_waits
from tests.conftest import Caller
from tests.factories import a_book

LEFT_BEHIND = text(
    "SELECT (SELECT count(*) FROM contributors JOIN authors ON authors.id = author_id"
    " WHERE merged_into_id IS NOT NULL)"
    " + (SELECT count(*) FROM works JOIN authors ON authors.id = author_id"
    " WHERE authors.merged_into_id IS NOT NULL)"
    " + (SELECT count(*) FROM books JOIN works ON works.id = work_id WHERE merged_into_id IS NOT NULL)"
)
EMPTY_WORKS = text(
    "SELECT count(*) FROM works WHERE merged_into_id IS NULL"
    " AND NOT EXISTS (SELECT FROM books WHERE work_id = works.id)"
    " AND NOT EXISTS (SELECT FROM works AS merged WHERE merged.merged_into_id = works.id)"
)


async def count(app: FastAPI, statement: Any) -> int:
    async with app.state.database.reading() as connection:
        return int(await connection.scalar(statement))


@pytest.mark.parametrize("kind", ["author", "work"])
async def test_of_merges_in_both_directions_at_once_one_wins(
    live_client: httpx.AsyncClient, staff: Caller, kind: str
) -> None:
    one = await a_book(live_client, staff, "One", author="A")
    two = await a_book(live_client, staff, "Two", author="B")
    ids = [author_of(book) if kind == "author" else book["work_id"] for book in (one, two)]
    answers = await asyncio.gather(
        merging(live_client, staff, kind, *ids), merging(live_client, staff, kind, *reversed(ids))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_books_that_name_an_author_while_the_author_is_merged_end_at_the_target(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    old = await a_book(live_client, staff, "Old", author="Tolkein")
    new = await a_book(live_client, staff, "New", author="Tolkien")
    source, target = author_of(old), author_of(new)
    contributors = [{"author_id": target, "role": "editor"}, {"author_id": source}]

    def naming(number: int) -> Any:
        named = {"author": "Tolkein"} if number % 2 else {"contributors": contributors}
        book = {"title": f"Book {number // 2}", "price": 5, **named}
        return live_client.post(BOOKS, json=book, headers=staff.headers)

    def editing(number: int) -> Any:
        body = {"price": 6 + number, "contributors": contributors}
        return live_client.patch(f"{BOOKS}/{old['id']}", json=body, headers=staff.headers)

    work = [naming(0), naming(1), editing(0), merging(live_client, staff, "author", source, target)]
    work += [naming(number) for number in range(2, 8)] + [editing(1)]
    answers = await asyncio.gather(*work)
    assert [answer.status_code for answer in answers if not answer.is_success] == []
    assert await count(live_app, LEFT_BEHIND) == 0
    for answer in answers:
        if "contributors" in answer.json():
            read = await read_book(live_client, answer.json())
            assert {one["author_id"] for one in read["contributors"]} == {target}


async def test_editions_made_edited_moved_and_deleted_while_works_merge_are_never_lost(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    old = await a_book(live_client, staff, "Der Hobbit", author="Tolkien")
    more = [await a_book(live_client, staff, "Der Hobbit", author="Tolkien") for _ in range(3)]
    new = await a_book(live_client, staff, "The Hobbit", author="Tolkien")
    await a_book(live_client, staff, "The Hobbit", author="Tolkien")
    source, target = old["work_id"], new["work_id"]

    def make(**fields: object) -> Any:
        body = {"title": "Der Hobbit", "price": 5, **fields}
        return live_client.post(BOOKS, json=body, headers=staff.headers)

    def edit(book: dict[str, Any], **fields: object) -> Any:
        return live_client.patch(f"{BOOKS}/{book['id']}", json=fields, headers=staff.headers)

    answers = await asyncio.gather(
        make(author="Tolkien"),
        edit(more[0], title="Hobbit", price=7),
        edit(new, work_id=source),
        merging(live_client, staff, "work", source, target),
        make(work_id=source),
        live_client.delete(f"{BOOKS}/{more[1]['id']}", headers=staff.headers),
        edit(more[2], work_id=source, author="Tolkien"),
        make(author="Tolkien"),
    )
    assert [answer.text for answer in answers if not answer.is_success] == []
    assert await count(live_app, LEFT_BEHIND) == 0
    shown = (await live_client.get(f"{WORKS}/{target}")).json()
    assert len(shown["editions"]) == 8


async def test_an_edit_that_names_a_merged_author_holds_only_the_one_that_stands(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    target = author_of(await a_book(live_client, staff, "New", author="Tolkien"))
    source = author_of(await a_book(live_client, staff, "Old", author="Tolkein"))
    other = await a_book(live_client, staff, "Other", author="Somebody Else")
    await merge(live_client, staff, "author", source, target)
    async with live_app.state.database.sessions.begin() as undoing:
        await hold(undoing, "authors", target)
        body = {"contributors": [{"author_id": source}]}
        path = f"{BOOKS}/{other['id']}"
        edit = asyncio.ensure_future(live_client.patch(path, json=body, headers=staff.headers))
        await until_somebody_waits(live_app)
        # Were it held, the edit and the undo would wait for each other.
        await hold(undoing, "authors", source)
    assert author_of((await edit).json()) == target


async def test_editions_that_change_places_and_works_that_merge_wait_for_each_other(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    def edit(book: dict[str, Any], **fields: object) -> Any:
        return live_client.patch(f"{BOOKS}/{book['id']}", json=fields, headers=staff.headers)

    for number in range(5):
        titles = (f"One {number}", f"Two {number}")
        one, other, two = [
            await a_book(live_client, staff, title, author="A") for title in (titles[0], *titles)
        ]
        three, four = [await a_book(live_client, staff, title, author="B") for title in titles]
        answers = await asyncio.gather(
            edit(one, work_id=two["work_id"]),
            merging(live_client, staff, "work", two["work_id"], one["work_id"]),
            edit(three, title=four["title"]),
            edit(four, title=three["title"]),
        )
        assert [answer.text for answer in answers if not answer.is_success] == []
        assert (await read_book(live_client, one))["work_id"] == other["work_id"]
    assert await count(live_app, LEFT_BEHIND) == 0
    assert await count(live_app, EMPTY_WORKS) == 0


async def test_an_undo_asked_for_twice_at_once_is_done_once(
    live_client: httpx.AsyncClient, staff: Caller
) -> None:
    one = await a_book(live_client, staff, "One", author="A")
    two = await a_book(live_client, staff, "Two", author="B")
    done = await merge(live_client, staff, "author", author_of(one), author_of(two))
    path = f"{ADMIN}/merges/{done['id']}/undo"
    answers = await asyncio.gather(*(live_client.post(path, headers=staff.headers) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_work_whose_editions_come_and_go_at_once_is_there_exactly_while_it_has_one(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    book = {"title": "The Hobbit", "author": "Tolkien", "price": 5}
    for _ in range(5):
        first = await a_book(live_client, staff, "The Hobbit", author="Tolkien")
        second = await a_book(live_client, staff, "The Hobbit", author="Tolkien")
        answers = await asyncio.gather(
            live_client.delete(f"{BOOKS}/{first['id']}", headers=staff.headers),
            live_client.post(BOOKS, json=book, headers=staff.headers),
            live_client.delete(f"/api/v1/items/{second['id']}", headers=staff.headers),
        )
        assert [answer.text for answer in answers if not answer.is_success] == []
        made = answers[1].json()
        assert (await live_client.get(f"{WORKS}/{made['work_id']}")).status_code == 200
        await live_client.delete(f"{BOOKS}/{made['id']}", headers=staff.headers)
        assert (await live_client.get(f"{WORKS}/{made['work_id']}")).status_code == 404
    assert await count(live_app, EMPTY_WORKS) == 0
