"""Faults of the database in the middle of an import: whose they are."""

from collections.abc import Iterator

import pytest

from app.catalog.formats.record import Record
from app.catalog.imports.job import JobLifecycle
from app.catalog.imports.run import Aborted, ImportRun
from app.catalog.imports.source import BatchReader

from .conftest import Importer, books_of, csv_of, isbn_of

TOO_LARGE = 2**40
"""More pages than a column of four bytes holds: no reader lets it through, and asyncpg cannot encode it."""


class Rows:
    """A source of three rows, of which the second cannot be encoded."""

    columns: list[str]
    ignored: list[str]
    may_empty = False

    def __init__(self) -> None:
        self.columns = self.ignored = []

    def __iter__(self) -> Iterator[Record]:
        for number in (1, 2, 3):
            values = {"title": f"Book {number}", "pages": TOO_LARGE if number == 2 else number}
            yield Record(number, raw={}, isbn13=isbn_of(number), values=values)

    def position(self) -> int:
        return 0

    def close(self) -> None:
        """Nothing to close."""


async def run_rows(importer: Importer, job_id: int) -> None:
    job = await JobLifecycle(importer.outside, job_id).start()
    assert job is not None
    batches = BatchReader(Rows(), after=0)
    try:
        await ImportRun.build(importer.outside, job).run(batches)
    finally:
        await batches.close()


@pytest.mark.parametrize("dry_run", ["false", "true"])
async def test_a_value_that_the_driver_cannot_encode_fails_its_row_alone(
    importer: Importer, dry_run: str
) -> None:
    job = await importer.send(csv_of(books_of(1)), dry_run=dry_run)
    await run_rows(importer, job["id"])
    job = await importer.job(job["id"])
    assert (job["state"], job["counts"]["created"], job["counts"]["failed"]) == ("completed", 2, 1)
    (row,) = await importer.rows(job["id"], status="failed")
    assert (row["number"], row["errors"][0]["type"]) == (2, "refused")


async def test_all_or_nothing_names_the_row_that_the_driver_cannot_encode(importer: Importer) -> None:
    job = await importer.send(csv_of(books_of(1)), on_error="abort")
    with pytest.raises(Aborted) as aborted:
        await run_rows(importer, job["id"])
    assert [one.number for one in aborted.value.failed] == [2]
    assert (await importer.census())["books"] == 0
