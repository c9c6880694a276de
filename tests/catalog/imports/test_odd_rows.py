"""Odd rows, and what others do at the same moment."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from app.catalog.formats.detection import open_source
from app.catalog.formats.record import SourceFormat, SourceOptions
from app.catalog.imports.source import BatchReader
from app.catalog.imports.writer import refresh_documents
from app.core.clock import utc_now
from app.core.db.driver import driver_connection
from tests.catalog.waiting import hold, until_somebody_waits

from .conftest import Importer, books_of, csv_of, isbn_of


@asynccontextmanager
async def merging(importer: Importer, table: str, loser: int, winner: int) -> AsyncIterator[None]:
    """A merge that holds its row until the block ends and is committed when somebody waits for it."""
    async with importer.app.state.database.sessions() as session:
        await hold(session, table, loser)
        yield
        await until_somebody_waits(importer.app)
        await session.execute(text(f"UPDATE {table} SET merged_into_id = {winner} WHERE id = {loser}"))  # noqa: S608 (as above)
        await session.commit()


@pytest.mark.parametrize("on_error", ["skip_row", "abort"])
async def test_text_that_looks_like_an_escaped_nul_is_text(importer: Importer, on_error: str) -> None:
    odd = {"isbn": isbn_of(1), "title": r"C:\u0000", "description": r"\\u0000"}
    for described in (r"a\u0000", r"b\\u0000"):
        job = await importer.finish(csv_of([{**odd, "description": described}]), on_error=on_error)
        assert (job["state"], job["counts"]["failed"]) == ("completed", 0)
    assert (await importer.book(isbn_of(1)))["description"] == r"b\\u0000"
    job = await importer.finish(
        csv_of([{"isbn": "bad", "title": r"C:\u0000"}, {"isbn": isbn_of(2), "title": "x"}])
    )
    assert (job["state"], job["counts"]["created"], job["counts"]["failed"]) == ("completed", 1, 1)
    (row,) = await importer.rows(job["id"], status="failed")
    assert row["raw"]["title"] == r"C:\u0000"


async def test_a_column_of_csv_may_be_called_unmapped_as_an_onix_record_is(importer: Importer) -> None:
    job = await importer.finish(csv_of([{"isbn": isbn_of(1), "title": "A", "unmapped": "x"}]))
    assert (job["state"], job["error"], job["counts"]["created"]) == ("completed", None, 1)


async def test_a_category_without_a_slug_is_left_out_with_a_warning(importer: Importer) -> None:
    job = await importer.finish(b"isbn,title,categories\n,X,!!!\n,Y,ok;!!!\n", mode="create")
    assert (job["counts"]["created"], job["warned"]) == (2, 2)
    tree = (await importer.http.get("/api/v1/categories")).json()
    assert [one["slug"] for one in tree["items"]] == ["ok"]


@pytest.mark.parametrize("form", ["csv", "ndjson", "onix"])
async def test_a_book_keeps_its_author_among_those_of_one_name(importer: Importer, form: str) -> None:
    headers = importer.caller.headers
    authors = [
        (await importer.http.post("/api/v1/authors", json={"name": "John Smith"}, headers=headers)).json()[
            "id"
        ]
        for _ in range(2)
    ]
    for number, credited in enumerate((authors[1:], authors[::-1]), start=1):
        book = {
            "isbn": isbn_of(number),
            "title": f"Book {number}",
            "price": 1,
            "contributors": [{"author_id": one} for one in credited],
        }
        assert (await importer.http.post("/api/v1/books", json=book, headers=headers)).status_code == 201
    export = await importer.http.get("/api/v1/admin/exports", params={"format": form}, headers=headers)
    job = await importer.finish(export.content)
    assert job["counts"]["unchanged"] == 2
    book = await importer.book(isbn_of(1))
    job = await importer.finish(csv_of([{"isbn": isbn_of(1), "author": "John Smith (editor); New"}]))
    credited = (await importer.book(isbn_of(1)))["contributors"]
    assert (credited[0]["author_id"], credited[0]["role"]) == (authors[1], "editor")


async def test_an_import_that_creates_deletes_nothing(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(1)))
    identifier = f"<ProductIdentifier><ProductIDType>15</ProductIDType><IDValue>{isbn_of(1)}</IDValue></ProductIdentifier>"
    product = f"<Product><RecordReference>r</RecordReference><NotificationType>05</NotificationType>{identifier}</Product>"
    message = f'<ONIXMessage release="3.0"><Header/>{product}</ONIXMessage>'
    job = await importer.finish(message.encode(), mode="create")
    assert (job["counts"]["deleted"], job["counts"]["failed"]) == (0, 1)
    await importer.book(isbn_of(1))


async def test_all_or_nothing_survives_a_merge_at_the_same_moment(importer: Importer) -> None:
    await importer.finish(
        csv_of([{**one, "author": name} for one, name in zip(books_of(2), ("Ann", "Anne"), strict=True)])
    )
    job = await importer.send(csv_of([{"isbn": isbn_of(9), "title": "N", "author": "Ann"}]), on_error="abort")
    ann, anne = [(await importer.book(isbn_of(n)))["contributors"][0]["author_id"] for n in (1, 2)]
    async with merging(importer, "authors", ann, anne):
        running = asyncio.create_task(importer.run())
    await running
    job = await importer.job(job["id"])
    assert (job["state"], job["counts"]["created"]) == ("completed", 1), job["error"]


async def test_no_book_joins_a_work_that_is_merged_at_the_same_moment(importer: Importer) -> None:
    rows = [
        {"isbn": isbn_of(n), "title": title, "author": "Ann"} for n, title in enumerate(("A", "B", "C"), 1)
    ]
    await importer.finish(csv_of(rows))
    _, loser, winner = [(await importer.book(isbn_of(n)))["work_id"] for n in (1, 2, 3)]
    await importer.send(csv_of([{"isbn": isbn_of(1), "title": "B"}]))
    async with merging(importer, "works", loser, winner):
        running = asyncio.create_task(importer.run())
    await running
    work_id = (await importer.book(isbn_of(1)))["work_id"]
    assert (await importer.http.get(f"/api/v1/works/{loser}")).status_code == 308
    assert (await importer.http.get(f"/api/v1/works/{work_id}")).status_code == 200


async def test_a_row_that_only_the_database_refuses_is_named_by_all_or_nothing(importer: Importer) -> None:
    job = await importer.send(csv_of(books_of(3)), on_error="abort")
    async with importer.app.state.database.sessions.begin() as session:
        await session.execute(text("ALTER TABLE items ADD CONSTRAINT no_two CHECK (title <> 'Book 2')"))
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["state"], job["error"]) == ("failed", "Row 2 failed, so nothing was written.")
    assert (await importer.census())["books"] == 0


async def test_all_or_nothing_cancelled_after_its_worker_died_has_done_nothing(importer: Importer) -> None:
    job = await importer.send(csv_of(books_of(3)), on_error="abort")
    async with importer.app.state.database.sessions.begin() as session:
        await session.execute(text("UPDATE import_jobs SET state = 'running', created = 2, rows_done = 2"))
    await importer.act(job["id"], "cancel")
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["state"], job["counts"]["created"]) == ("cancelled", 0)


async def test_failed_objects_keep_what_later_lines_brought(importer: Importer) -> None:
    lines = [json.dumps({"isbn": isbn_of(n), "title": "x"}) for n in range(150)]
    lines += [json.dumps({"isbn": isbn_of(400), "title": 7 * [1], "subtitle": "kept"}), "no object"]
    job = await importer.finish("\n".join(lines).encode())
    table = list(
        csv.DictReader(
            io.StringIO((await importer.get(f"/{job['id']}/errors.csv")).content.decode("utf-8-sig"))
        )
    )
    assert (table[0]["subtitle"], table[0]["title"], table[1]["line"]) == (
        "kept",
        "[1,1,1,1,1,1,1]",
        "no object",
    )


async def test_failed_rows_can_be_sent_again_with_the_same_options(importer: Importer) -> None:
    job = await importer.finish("isbn,title\nbad,Größe\n,x,y\n".encode("cp1252"), encoding="cp1252")
    content = (await importer.get(f"/{job['id']}/errors.csv")).content
    assert [row["error"] for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))][1].startswith(
        "the row has"
    )
    job = await importer.finish(content.replace(b"bad", isbn_of(1).encode()), encoding="cp1252")
    assert (await importer.book(isbn_of(1)))["title"] == "Größe"


async def test_few_long_rows_are_a_batch_too(tmp_path: Path) -> None:
    path = tmp_path / "books.csv"
    path.write_text("isbn,title,notes\n" + "".join(f"{isbn_of(n)},x,{'y' * 900_000}\n" for n in range(40)))
    batches = BatchReader(open_source(path, SourceOptions(SourceFormat.CSV, "EUR")), 0)
    sizes = [sum(len(one.raw["notes"]) for one in batch.records) async for batch in batches]
    await batches.close()
    assert sum(sizes) == 40 * 900_000
    assert max(sizes) < 10 * 1024 * 1024


async def test_a_book_without_isbn_is_known_by_its_id_and_title(importer: Importer) -> None:
    await importer.finish(b"isbn,title\n,Beowulf\n", mode="create")
    (item_id,) = [book["id"] for book in await importer.books()]
    rows = f"isbn,shop_item_id,title,pages\n,{item_id},Beowulf,213\n,{item_id},Grendel,1\n,{item_id + 1},Beowulf,2\n,x,Beowulf,3\n"
    for mode in ("update", "upsert"):
        job = await importer.finish(rows.encode(), mode=mode)
        failed = await importer.rows(job["id"], status="failed")
        assert [(row["number"], row["errors"][0]["type"]) for row in failed] == [
            (2, "repeated"),
            (3, "book-not-found"),
            (4, "not-a-number"),
        ]
    assert job["counts"]["unchanged"] == 1
    assert (await importer.http.get(f"/api/v1/books/{item_id}")).json()["pages"] == 213
    job = await importer.finish(f"isbn,shop_item_id,title\n,{item_id},Grendel\n".encode())
    assert job["counts"]["failed"] == 1, "another shop's file may have the same id"
    job = await importer.finish(
        rows.splitlines()[0].encode() + f"\n,{item_id},Beowulf,1\n".encode(), mode="create"
    )
    assert job["counts"]["created"] == 1


async def test_a_feed_of_regular_prices_ends_no_sale(importer: Importer) -> None:
    feed = csv_of(books_of(1, price="10"))
    await importer.finish(feed)
    item_id = (await importer.book(isbn_of(1)))["id"]
    now = utc_now()
    sale = {"price": 8, "starts_at": now.isoformat(), "ends_at": (now + timedelta(days=1)).isoformat()}
    headers = importer.caller.headers
    answer = await importer.http.post(f"/api/v1/items/{item_id}/price-schedules", json=sale, headers=headers)
    assert answer.json()["state"] == "active"
    assert (await importer.finish(feed))["counts"]["unchanged"] == 1
    assert (await importer.book(isbn_of(1)))["price"] == 8
    assert (await importer.finish(csv_of(books_of(1, price="9"))))["counts"]["updated"] == 1
    planned = await importer.http.get(answer.headers["location"], headers=headers)
    assert planned.json()["state"] == "overridden"


async def test_another_code_of_the_same_language_is_no_change(importer: Importer) -> None:
    book = {"title": "Candide", "isbn": isbn_of(1), "price": 5, "language": "fre"}
    await importer.http.post("/api/v1/books", json=book, headers=importer.caller.headers)
    for code, counted in (("fr", "unchanged"), ("fra", "unchanged"), ("de", "updated")):
        job = await importer.finish(csv_of(books_of(1, title="Candide", language=code)))
        assert job["counts"][counted] == 1, code


@pytest.mark.parametrize("table", ["authors", "series"])
async def test_documents_made_behind_the_rows_know_who_is_being_renamed(
    importer: Importer, table: str
) -> None:
    await importer.finish(csv_of(books_of(1, author="Tolkien", series="Ring")))
    book_id = (await importer.book(isbn_of(1)))["id"]
    async with importer.app.state.database.sessions.begin() as session:
        await session.execute(text("DELETE FROM book_documents"))

    async def make() -> None:
        async with importer.outside.transaction() as session:
            await refresh_documents(await driver_connection(session), [book_id])

    async with importer.app.state.database.sessions.begin() as renaming:
        await renaming.execute(text(f"UPDATE {table} SET name = 'Gruen'"))  # noqa: S608 (of this test)
        making = asyncio.ensure_future(make())
        await until_somebody_waits(importer.app, unless=making)
    await making
    found = await importer.http.get("/api/v1/search", params={"q": "gruen"})
    assert [book["id"] for book in found.json()["items"]] == [book_id]
