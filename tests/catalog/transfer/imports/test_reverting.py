"""Imports taken back: what is unchanged since goes, the rest stays and is told."""

from .conftest import Importer, books_of, csv_of, isbn_of


async def test_a_revert_restores_what_was_and_deletes_what_came(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(1, price="10", quantity=4, author="Ann", categories="Old")))
    before = await importer.census()
    book = await importer.book(isbn_of(1))
    rows = books_of(
        2, price="8", quantity=9, author="Bea; Cleo", categories="New", series="Saga", published="1999"
    )
    job = await importer.finish(csv_of(rows))
    assert (job["counts"]["created"], job["counts"]["updated"]) == (1, 1)
    assert (await importer.act(job["id"], "revert")).json()["revert"]["state"] == "pending"
    await importer.run()
    job = await importer.job(job["id"])
    assert job["revert"] == {"state": "completed", "reverted": 2, "left": 0}
    after = await importer.book(isbn_of(1))
    volatile = {"version", "updated_at", "lowest_price_30d"}
    assert {k: v for k, v in after.items() if k not in volatile} == {
        k: v for k, v in book.items() if k not in volatile
    }
    ledgers = {"stock_movements", "price_changes"}
    census = await importer.census()
    assert {k: v for k, v in census.items() if k not in ledgers} == {
        k: v for k, v in before.items() if k not in ledgers
    }
    assert (
        await importer.ask(
            "SELECT sum(delta) FROM stock_movements WHERE item_id = (SELECT item_id FROM books)"
        )
        == 4
    )
    assert all(row["reverted"] for row in await importer.rows(job["id"]))


async def test_rows_that_somebody_edited_since_are_left_alone(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(3)))
    book = await importer.book(isbn_of(2))
    edited = await importer.http.patch(
        f"/api/v1/books/{book['id']}", json={"subtitle": "Edited"}, headers=importer.caller.headers
    )
    assert edited.status_code == 200
    await importer.act(job["id"], "revert")
    await importer.run()
    job = await importer.job(job["id"])
    assert job["revert"] == {"state": "completed", "reverted": 2, "left": 1}
    assert [row["reverted"] for row in await importer.rows(job["id"])] == [True, False, True]
    assert await importer.ask("SELECT count(*) FROM books") == 1


async def test_a_second_revert_changes_nothing(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(2)))
    for _ in range(2):
        assert (await importer.act(job["id"], "revert")).status_code == 202
        await importer.run()
    assert (await importer.job(job["id"]))["revert"] == {"state": "completed", "reverted": 2, "left": 0}
    assert (await importer.act(job["id"], "retry")).json()["code"] == "import-not-retryable"


async def test_a_new_book_that_is_reserved_stays(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(1, quantity=5)))
    async with importer.app.state.database.sessions.begin() as session:
        await (await session.connection()).exec_driver_sql("UPDATE stock_levels SET reserved = 1")
    await importer.act(job["id"], "revert")
    await importer.run()
    assert (await importer.job(job["id"]))["revert"]["left"] == 1


async def test_names_that_others_use_by_now_stay(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(1, author="Ann; Bea")))
    await importer.finish(csv_of([{"isbn": isbn_of(7), "title": "Another", "author": "Ann"}]))
    await importer.act(job["id"], "revert")
    await importer.run()
    assert await importer.ask("SELECT array_agg(name) FROM authors") == ["Ann"]
