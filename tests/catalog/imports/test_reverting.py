"""Imports taken back: what is unchanged since goes, the rest stays and is told."""

from sqlalchemy import text

from app.identity.permissions import Role
from tests.conftest import Caller, SignUp, audit_entries

from .conftest import IMPORTS, Importer, books_of, csv_of, isbn_of


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
    assert await importer.counted(book["id"]) == 4
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
    assert await importer.total("books") == 1


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


async def test_a_new_book_that_a_bundle_has_stays(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(3)))
    part = {"item_id": (await importer.book(isbn_of(2)))["id"], "quantity": 2}
    bundle = {"name": "Set", "price": 5, "items": [part]}
    answer = await importer.http.post("/api/v1/offers", json=bundle, headers=importer.caller.headers)
    assert answer.status_code == 201, answer.text
    await importer.act(job["id"], "revert")
    await importer.run()
    assert (await importer.job(job["id"]))["revert"] == {"state": "completed", "reverted": 2, "left": 1}
    assert [row["reverted"] for row in await importer.rows(job["id"])] == [True, False, True]


async def test_names_that_others_use_by_now_stay(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(1, author="Ann; Bea")))
    await importer.finish(csv_of([{"isbn": isbn_of(7), "title": "Another", "author": "Ann"}]))
    await importer.act(job["id"], "revert")
    await importer.run()
    authors = (await importer.http.get("/api/v1/authors")).json()
    assert [one["name"] for one in authors["items"]] == ["Ann"]


async def test_rows_whose_earlier_values_are_gone_or_taken_are_left_and_the_others_taken_back(
    importer: Importer,
) -> None:
    old: list[dict[str, object]] = [
        {"isbn": isbn_of(1), "sku": "BK-0001"},
        {"isbn": isbn_of(2), "contributors": "Ann"},
        {"isbn": isbn_of(3), "series": "Saga"},
        {"isbn": isbn_of(4), "categories": "Old"},
        {"isbn": isbn_of(5), "contributors": "Cleo"},
    ]
    columns: dict[str, object] = dict.fromkeys(
        ("isbn", "title", "sku", "contributors", "series", "categories"), ""
    )
    await importer.finish(csv_of([{**columns, "title": "Before", **row} for row in old]))
    changed = [{**columns, "isbn": isbn_of(n), "title": "After"} for n in range(1, 7)]
    job = await importer.finish(csv_of(changed), allow_clearing="true")
    headers = importer.caller.headers
    for kind, name in (("authors", "Ann"), ("series", "Saga")):
        path = f"/api/v1/{kind}/{await importer.id_of(kind, name)}"
        assert (await importer.http.delete(path, headers=headers)).status_code == 204
    assert (await importer.http.delete("/api/v1/categories/old", headers=headers)).status_code == 204
    rival = {"title": "Rival", "kind": "gift", "price": 1, "sku": "BK-0001"}
    assert (await importer.http.post("/api/v1/items", json=rival, headers=headers)).status_code == 201
    await importer.act(job["id"], "revert")
    await importer.run()
    assert (await importer.job(job["id"]))["revert"] == {"state": "completed", "reverted": 2, "left": 4}
    told = [row["reverted"] for row in await importer.rows(job["id"])]
    assert told == [False, False, False, False, True, True]
    book = await importer.book(isbn_of(5))
    assert (book["title"], book["author"]) == ("Before", "Cleo")


async def test_an_author_merged_since_is_restored_as_the_one_who_stands(importer: Importer) -> None:
    await importer.finish(
        csv_of(
            [
                {"isbn": isbn_of(1), "title": "One", "author": "Ann; Anne; Bo"},
                {"isbn": isbn_of(2), "title": "Two", "author": "Anne"},
            ]
        )
    )
    job = await importer.finish(csv_of([{"isbn": isbn_of(1), "title": "One", "author": "Bea"}]))
    ann, anne = [await importer.id_of("authors", name) for name in ("Ann", "Anne")]
    merged = await importer.http.post(
        f"/api/v1/admin/authors/{ann}/merge", json={"into": anne}, headers=importer.caller.headers
    )
    assert merged.status_code == 200
    await importer.act(job["id"], "revert")
    await importer.run()
    assert (await importer.job(job["id"]))["revert"] == {"state": "completed", "reverted": 1, "left": 0}
    credited = (await importer.book(isbn_of(1)))["contributors"]
    assert [(one["author_id"], one["name"]) for one in credited] == [
        (anne, "Anne"),
        (await importer.id_of("authors", "Bo"), "Bo"),
    ]
    assert await importer.ask("SELECT count(*) FROM works WHERE author_id = :ann", ann=ann) == 0


async def test_a_revert_is_the_deed_of_who_asked_for_it_and_not_of_the_importer(
    importer: Importer, live_sign_up: SignUp
) -> None:
    await importer.finish(csv_of(books_of(1, price="10", quantity=4)))
    job = await importer.finish(csv_of(books_of(2, price="8", quantity=9)))
    moderator = await live_sign_up(Role.MODERATOR)
    asked = await importer.http.post(f"{IMPORTS}/{job['id']}/revert", headers=moderator.headers)
    assert asked.status_code == 202
    await importer.run()
    assert (await importer.job(job["id"]))["revert"]["reverted"] == 2
    assert await deeds(importer, await live_sign_up(Role.ADMIN)) == {
        "price": moderator.id,
        "stock": [moderator.id],
        "audit": moderator.id,
    }


async def test_a_revert_that_the_release_before_queued_is_the_deed_of_the_importer(
    importer: Importer, live_sign_up: SignUp
) -> None:
    await importer.finish(csv_of(books_of(1, price="10", quantity=4)))
    job = await importer.finish(csv_of(books_of(2, price="8", quantity=9)))
    await importer.act(job["id"], "revert")
    async with importer.app.state.database.sessions.begin() as session:
        queued = text("UPDATE outbox_events SET payload = payload - 'asked_by' WHERE type LIKE '%revert%'")
        await session.execute(queued)
    await importer.run()
    assert (await importer.job(job["id"]))["revert"] == {"state": "completed", "reverted": 2, "left": 0}
    importer_id = importer.caller.id
    assert await deeds(importer, await live_sign_up(Role.ADMIN)) == {
        "price": importer_id,
        "stock": [importer_id],
        "audit": importer_id,
    }


async def deeds(importer: Importer, auditor: Caller) -> dict[str, object]:
    """Who stands in the history, in the ledger and in the audit log for what a revert did."""
    ledger = "SELECT array_agg(DISTINCT actor_id) FROM stock_movements WHERE delta < 0"
    path = f"/api/v1/items/{(await importer.book(isbn_of(1)))['id']}/price-changes"
    newest = (await importer.http.get(path, headers=importer.caller.headers)).json()["items"][0]
    (entry,) = await audit_entries(importer.http, auditor, action="import.reverted")
    return {
        "price": newest["changed_by"]["id"],
        "stock": await importer.ask(ledger),
        "audit": entry["actor_id"],
    }


async def test_an_import_changes_the_statement_and_its_revert_gives_it_back(
    importer: Importer,
) -> None:
    isbn, statement = "9780261102217", "Second edition, revised"
    await importer.finish(csv_of([{"isbn": isbn, "title": "The Hobbit", "Edition": "1st"}]))
    job = await importer.finish(csv_of([{"isbn": isbn, "edition statement": statement}]))
    assert (await importer.book(isbn))["edition_statement"] == statement
    (row,) = await importer.rows(job["id"])
    assert row["changes"] == {"edition_statement": {"old": "1st", "new": statement}}
    await importer.act(job["id"], "revert")
    await importer.run()
    assert (await importer.book(isbn))["edition_statement"] == "1st"
