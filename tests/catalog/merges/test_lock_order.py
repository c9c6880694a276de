"""In which order merges, their undo and edits lock rows, with real commits: there is no deadlock."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.db.locks import AdvisoryLock, acquire
from tests.catalog.merges.arrange import BOOKS, author_of, credits_of, merging, read_book, undo
from tests.catalog.waiting import hold, until_somebody_waits
from tests.conftest import Caller
from tests.factories import a_book

# Whoever waits for a row holds its place in the queue.
WAITING_FOR_A_BOOK = text(
    "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND query LIKE '%FROM items%'"
)


async def test_a_merge_of_authors_and_its_undo_wait_for_the_targets_books_before_they_hold_anybody(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    target = await a_book(live_client, staff, "New", author="Tolkien")
    source = await a_book(live_client, staff, "Old", author="Tolkein")
    ids = (author_of(source), author_of(target))
    merge_id = 0
    for step in ("merge", "undo"):
        async with live_app.state.database.sessions.begin() as editing:
            for table in ("items", "book_documents"):
                await hold(editing, table, target["id"])
            if step == "merge":
                asked = merging(live_client, staff, "author", *ids)
            else:
                asked = asyncio.ensure_future(undo(live_client, staff, merge_id))
            await until_somebody_waits(live_app)
            # What an edit may hold after its book and the document.
            await hold(editing, "authors", ids[0])
            await hold(editing, "works", source["work_id"])
        answer = await asked
        assert answer.status_code == 200, answer.text
        merge_id = answer.json()["id"]


@pytest.mark.parametrize("kind", ["author", "work"])
async def test_a_merge_lets_everybody_go_while_a_book_that_came_to_the_source_is_edited(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller, kind: str
) -> None:
    target = await a_book(live_client, staff, "New", author="Tolkien")
    source = await a_book(live_client, staff, "Old", author="Tolkein")
    other = await a_book(live_client, staff, "Other", author="Somebody Else")
    come = (
        "INSERT INTO contributors (book_id, position, author_id, role) VALUES (:book, 2, :source, 'author')"
    )
    ids = (author_of(source), author_of(target))
    if kind == "work":
        come = "UPDATE books SET work_id = :source WHERE item_id = :book"
        ids = (source["work_id"], target["work_id"])
    sessions = live_app.state.database.sessions
    async with sessions() as arriving:
        await arriving.execute(text(come), {"book": other["id"], "source": ids[0]})
        asked = merging(live_client, staff, kind, *ids)
        await until_somebody_waits(live_app)
        async with sessions.begin() as editing:
            await hold(editing, "items", other["id"])
            await arriving.commit()
            await until_somebody_waits(live_app, WAITING_FOR_A_BOOK)
            for row_id in ids:
                await hold(editing, f"{kind}s", row_id)
    assert (await asked).status_code == 200
    shown = await read_book(live_client, other)
    assert (shown["work_id"] if kind == "work" else credits_of(shown)[1][0]) == ids[1]


async def test_a_merge_takes_along_a_book_that_came_to_the_source_meanwhile(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    target = author_of(await a_book(live_client, staff, "New", author="Tolkien"))
    old = await a_book(live_client, staff, "Old", author="Tolkein")
    async with live_app.state.database.sessions.begin() as arriving:
        await hold(arriving, "authors", author_of(old), "KEY SHARE")
        asked = merging(live_client, staff, "author", author_of(old), target)
        await until_somebody_waits(live_app)
        named = {"title": "Late", "price": 5, "contributors": [{"author_id": author_of(old)}]}
        making = asyncio.ensure_future(live_client.post(BOOKS, json=named, headers=staff.headers))
    assert (await asked).status_code == 200
    late: dict[str, Any] = (await making).json()
    assert author_of(await read_book(live_client, late)) == target


async def test_an_edit_that_waited_for_a_merge_does_not_wait_for_the_next_one_with_the_merged_author_held(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    target = author_of(await a_book(live_client, staff, "New", author="Tolkien"))
    source = author_of(await a_book(live_client, staff, "Old", author="Tolkein"))
    other = await a_book(live_client, staff, "Other", author="Somebody Else")
    body = {"contributors": [{"author_id": source}]}
    path = f"{BOOKS}/{other['id']}"
    sessions = live_app.state.database.sessions
    async with sessions.begin() as undoing:
        await hold(undoing, "authors", target)
        async with sessions.begin() as merged:
            # Without the foreign key, which would wait for the one above.
            await merged.execute(text("SET LOCAL session_replication_role = replica"))
            await hold(merged, "authors", source)
            lead = text("UPDATE authors SET merged_into_id = :target WHERE id = :source")
            await merged.execute(lead, {"source": source, "target": target})
            edit = asyncio.ensure_future(live_client.patch(path, json=body, headers=staff.headers))
            await until_somebody_waits(live_app)
        async with asyncio.timeout(15):
            refused = await edit
        await hold(undoing, "authors", source)
    assert (refused.status_code, refused.json()["code"]) == (503, "write-collision")
    again = await live_client.patch(path, json=body, headers=staff.headers)
    assert author_of(again.json()) == target


async def test_an_edit_waits_for_a_batch_of_an_import_before_it_holds_the_work_that_follows_it(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    book = await a_book(live_client, staff, "Old", author="Tolkien")
    path = f"{BOOKS}/{book['id']}"
    async with live_app.state.database.sessions.begin() as importing:
        await importing.execute(acquire(AdvisoryLock.NAMING))
        edit = asyncio.ensure_future(live_client.patch(path, json={"title": "New"}, headers=staff.headers))
        await until_somebody_waits(live_app)
        await hold(importing, "works", book["work_id"])
    assert (await edit).status_code == 200


async def test_a_book_made_while_its_author_is_renamed_is_found_by_the_new_name(
    live_app: FastAPI, live_client: httpx.AsyncClient, staff: Caller
) -> None:
    author = author_of(await a_book(live_client, staff, "Old", author="Tolkien"))
    async with live_app.state.database.sessions.begin() as renaming:
        rename = text("UPDATE authors SET name = 'Gruen' WHERE id = :id")
        await renaming.execute(rename, {"id": author})
        named = {"title": "Late", "price": 5, "contributors": [{"author_id": author}]}
        making = asyncio.ensure_future(live_client.post(BOOKS, json=named, headers=staff.headers))
        await until_somebody_waits(live_app, unless=making)
    assert (await making).status_code == 201
    assert (await live_client.get("/api/v1/search?q=gruen")).json()["total"] == 2
