"""Import jobs: rehearsed, all or nothing, cancelled, run again, listed and purged."""

from datetime import timedelta

import pytest

from app.catalog.imports.job import JobLifecycle
from app.catalog.imports.jobs import ImportFilesToPurge, purge
from app.catalog.imports.repository import ImportRepository
from app.catalog.imports.source import BATCH
from app.core.clock import utc_now
from app.core.db.transaction import transaction
from app.core.events.events import Delivery, RetryAfter
from app.identity.permissions import Role
from tests.conftest import SignUp, audit_entries

from .conftest import Importer, books_of, csv_of, isbn_of

BAD = {"isbn": "9780261102218", "title": "Wrong check digit"}


async def test_a_dry_run_reports_everything_and_writes_nothing(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(2, author="Ursula K. Le Guin")))
    before = await importer.census()
    books = await importer.books()
    rows = [
        {"isbn": isbn_of(1), "title": "Renamed", "author": "Somebody New"},
        {"isbn": isbn_of(2), "title": "Book 2", "author": "Ursula K. Le Guin"},
        {"isbn": isbn_of(3), "title": "New", "author": "Somebody New"},
        {**BAD, "author": ""},
    ]
    job = await importer.finish(csv_of(rows), dry_run="true")
    assert (job["state"], job["dry_run"]) == ("completed", True)
    assert job["counts"] == {"created": 1, "updated": 1, "deleted": 0, "unchanged": 1, "failed": 1}
    listed = await importer.rows(job["id"])
    assert [row["status"] for row in listed] == ["updated", "unchanged", "created", "failed"]
    assert listed[0]["changes"]["title"] == {"old": "Book 1", "new": "Renamed"}
    assert listed[0]["changes"]["contributors"]["new"] == [{"name": "Somebody New", "role": "author"}]
    assert listed[2]["item_id"] is None
    assert await importer.census() == before
    assert await importer.books() == books
    assert (await importer.act(job["id"], "revert")).json()["code"] == "import-not-revertible"


async def test_an_import_that_aborts_leaves_nothing(importer: Importer) -> None:
    before = await importer.census()
    rows = books_of(BATCH + 10, author="Nobody Else", categories="Strays")
    rows.append({**BAD, "author": "", "categories": ""})
    job = await importer.finish(csv_of(rows), on_error="abort")
    assert job["state"] == "failed"
    assert job["error"] == f"Row {BATCH + 11} failed, so nothing was written."
    assert job["counts"] == {"created": 0, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 1}
    assert [row["status"] for row in await importer.rows(job["id"])] == ["failed"]
    assert await importer.census() == before


async def test_all_or_nothing_without_a_bad_row_is_all(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(BATCH + 10)), on_error="abort")
    assert (job["state"], job["counts"]["created"]) == ("completed", BATCH + 10), job
    assert await importer.total("books") == BATCH + 10
    assert (await importer.get(f"/{job['id']}/rows")).json()["total"] == BATCH + 10


async def test_the_same_isbn_in_different_batches_is_a_repetition(importer: Importer) -> None:
    job = await importer.finish(csv_of([*books_of(BATCH), {"isbn": isbn_of(1), "title": "Again"}]))
    (row,) = await importer.rows(job["id"], status="failed")
    assert (row["number"], row["errors"][0]["type"]) == (BATCH + 1, "repeated")


async def test_an_import_is_cancelled_before_it_begins_or_between_batches(importer: Importer) -> None:
    waiting = await importer.send(csv_of(books_of(1)))
    assert (await importer.act(waiting["id"], "cancel")).json()["state"] == "cancelled"
    await importer.run()
    assert await importer.total("books") == 0
    assert (await importer.act(waiting["id"], "cancel")).json()["code"] == "import-finished"


@pytest.mark.parametrize(("on_error", "written"), [("skip_row", BATCH), ("abort", 0)])
async def test_what_was_written_before_a_cancellation_stays_unless_it_is_all_or_nothing(
    importer: Importer, on_error: str, written: int
) -> None:
    job = await importer.send(csv_of(books_of(2 * BATCH)), on_error=on_error)
    async with importer.app.state.database.sessions.begin() as session:
        # As if asked for while the first batch was being written.
        held = await ImportRepository(session).lock(job["id"])
        assert held is not None
        held.state, held.started_at = "running", utc_now()
    begun = JobLifecycle.start

    async def start_and_cancel(life: JobLifecycle) -> object:
        found = await begun(life)
        assert (await importer.act(job["id"], "cancel")).status_code == 202
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobLifecycle, "start", start_and_cancel)
        await importer.run()
    assert (await importer.job(job["id"]))["state"] == "cancelled"
    assert await importer.total("books") == written
    assert (await importer.act(job["id"], "retry")).json()["state"] == "pending"
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["state"], job["counts"]["created"]) == ("completed", 2 * BATCH)
    assert await importer.total("books") == 2 * BATCH


async def test_failed_rows_are_tried_again(importer: Importer) -> None:
    taken = await importer.finish(csv_of(books_of(1)))
    job = await importer.finish(csv_of(books_of(2)), mode="create")
    assert (job["counts"]["created"], job["counts"]["failed"]) == (1, 1)
    assert (await importer.act(taken["id"], "revert")).status_code == 202
    await importer.run()
    assert (await importer.act(job["id"], "retry")).status_code == 202
    await importer.run()
    job = await importer.job(job["id"])
    assert job["counts"] == {"created": 2, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}
    assert job["total_rows"] == 2
    assert (await importer.act(job["id"], "retry")).json()["code"] == "import-not-retryable"


async def test_the_file_goes_when_nobody_can_need_it_any_more(importer: Importer) -> None:
    storage = importer.app.state.storage.opened

    async def kept() -> set[str]:
        return {file.name async for file in storage.list("imports")}

    earlier = await kept()
    await importer.finish(csv_of(books_of(1)))
    assert await kept() == earlier
    job = await importer.finish(csv_of([*books_of(1), BAD]))
    assert len(await kept() - earlier) == 1
    async with importer.app.state.database.sessions.begin() as session:
        held = await ImportRepository(session).lock(job["id"])
        assert held is not None
        held.created_at = utc_now() - timedelta(days=31)
    await purge(importer.outside, ImportFilesToPurge(), Delivery(1, 1, "", {}, "", utc_now()))
    assert await kept() == earlier
    assert (await importer.act(job["id"], "retry")).json()["code"] == "import-not-retryable"


async def test_imports_run_one_after_the_other(importer: Importer) -> None:
    job = await importer.send(csv_of(books_of(1)))
    state = importer.app.state
    async with transaction(state.database, state.cache) as session:
        assert await ImportRepository(session).try_to_run()
        with pytest.raises(RetryAfter):
            await importer.run()
        assert (await importer.job(job["id"]))["state"] == "pending"
    await importer.run()
    assert (await importer.job(job["id"]))["state"] == "completed"


async def test_imports_are_listed_and_audited(importer: Importer, live_sign_up: SignUp) -> None:
    done = await importer.finish(csv_of(books_of(1)))
    await importer.send(csv_of(books_of(1)))
    listed = (await importer.get("", params={"state": "completed"})).json()
    assert [job["id"] for job in listed["items"]] == [done["id"]]
    assert listed["items"][0]["created_by"] == importer.caller.id
    entries = await audit_entries(importer.http, await live_sign_up(Role.ADMIN))
    actions = ["import.requested", "import.completed", "import.requested"]
    assert [entry["action"] for entry in entries] == actions


async def test_rows_are_paged_by_cursor(importer: Importer) -> None:
    job = await importer.finish(csv_of(books_of(5)))
    path = f"/{job['id']}/rows"
    first = (await importer.get(path, params={"limit": 3})).json()
    assert [row["number"] for row in first["items"]] == [1, 2, 3]
    rest = (await importer.get(path, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [row["number"] for row in rest["items"]] == [4, 5]
    assert (await importer.get("/999/rows")).json()["code"] == "import-not-found"
