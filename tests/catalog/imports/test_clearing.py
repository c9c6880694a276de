"""Fields that an import would empty: told row by row, and asked about before many are."""

import json

import pytest

from app.catalog.imports.source import BATCH

from .conftest import Importer, books_of, csv_of, isbn_of


async def seed(importer: Importer, count: int) -> None:
    await importer.finish(csv_of(books_of(count, subtitle="Kept", contributors="Ann", price=5)))


def emptied(count: int, rows: int, **fields: object) -> list[dict[str, object]]:
    """So many rows, of which the first few have no subtitle."""
    return [
        {**one, "subtitle": "" if number <= count else "Kept", **fields}
        for number, one in enumerate(books_of(rows), 1)
    ]


async def subtitles(importer: Importer) -> list[str | None]:
    return [book["subtitle"] for book in sorted(await importer.books(), key=lambda book: book["isbn"])]


@pytest.mark.parametrize(
    ("count", "rows", "is_asked"),
    [
        (1, 1, True),
        (1, 5, True),
        (1, 10, False),
        (2, 20, False),
        (3, 20, True),
        (2, 19, True),
        (2, 2, True),
        (20, 20, True),
    ],
)
async def test_more_than_a_tenth_of_the_rows_is_asked_about_be_it_the_only_one(
    importer: Importer, count: int, rows: int, *, is_asked: bool
) -> None:
    await seed(importer, rows)
    job = await importer.finish(csv_of(emptied(count, rows, price=6)))
    if not is_asked:
        assert (job["state"], job["counts"]["updated"]) == ("completed", rows)
        assert (job["cleared"], job["needs_allow_clearing"]) == ({"subtitle": count}, False)
        assert (await subtitles(importer)).count(None) == count
        return
    assert job["state"] == "failed"
    assert f"Of {rows} rows" in job["error"]
    assert f"(subtitle in {count})" in job["error"]
    assert "allow_clearing=true" in job["error"]
    assert (job["cleared"], job["needs_allow_clearing"]) == ({"subtitle": count}, True)
    assert (job["total_rows"], await importer.rows(job["id"])) == (0, [])
    assert set(await subtitles(importer)) == {"Kept"}
    assert {book["price"] for book in await importer.books()} == {5}, "no row was written"
    job = await importer.finish(csv_of(emptied(count, rows, price=6)), allow_clearing="true")
    assert (job["state"], job["cleared"], job["allow_clearing"]) == ("completed", {"subtitle": count}, True)
    assert (await subtitles(importer)).count(None) == count


@pytest.mark.parametrize("on_error", ["skip_row", "abort"])
async def test_the_whole_file_is_counted_before_its_first_batch_is_written(
    importer: Importer, on_error: str
) -> None:
    rows = BATCH + 300
    await seed(importer, rows)
    late = emptied(300, rows, price=6)
    late = late[300:] + late[:300]
    job = await importer.finish(csv_of(late), on_error=on_error)
    assert (job["state"], job["cleared"]) == ("failed", {"subtitle": 300})
    counts = job["counts"].values()
    assert (sum(counts), await importer.rows(job["id"])) == (0, [])
    assert await changed_prices(importer) == 0, "no batch was written"
    early = emptied(rows // 10, rows, price=6)
    job = await importer.finish(csv_of(early), on_error=on_error)
    assert (job["state"], job["cleared"]) == ("completed", {"subtitle": rows // 10}), (
        "of the file, not of a batch"
    )
    assert await changed_prices(importer) == rows


async def changed_prices(importer: Importer) -> int:
    """Books that cost 6."""
    page = await importer.http.get("/api/v1/books", params={"min_price": 6, "max_price": 6, "limit": 1})
    total: int = page.json()["total"]
    return total


async def test_an_import_that_was_refused_is_refused_again_until_nothing_is_lost(importer: Importer) -> None:
    await seed(importer, 2)
    job = await importer.finish(csv_of(emptied(2, 2, price=6)))
    await importer.act(job["id"], "retry")
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["state"], job["cleared"]) == ("failed", {"subtitle": 2})
    await importer.finish(csv_of(emptied(2, 2)), allow_clearing="true")
    await importer.act(job["id"], "retry")
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["state"], job["counts"]["updated"], job["cleared"]) == ("completed", 2, {})


async def test_rows_that_are_refused_and_books_that_are_new_empty_nothing(importer: Importer) -> None:
    await seed(importer, 1)
    rows = books_of(2, subtitle="")
    rows[0]["title"] = "x" * 501
    job = await importer.finish(csv_of(rows))
    assert (job["state"], job["counts"]["failed"], job["counts"]["created"]) == ("completed", 1, 1)
    job = await importer.finish(csv_of(emptied(1, 1)), mode="create")
    assert (job["state"], job["counts"]["failed"]) == ("completed", 1)


async def test_a_series_that_goes_takes_its_position_along(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(1, series="Saga", series_position="3")))
    job = await importer.finish(csv_of(books_of(1, series="")))
    assert (job["state"], job["cleared"]) == ("failed", {"series": 1, "series_position": 1})
    job = await importer.finish(csv_of(books_of(1, series="")), allow_clearing="true")
    assert (job["state"], job["cleared"]) == ("completed", {"series": 1, "series_position": 1})


async def test_the_day_on_which_a_supplier_expected_a_book_may_be_over(importer: Importer) -> None:
    awaited = {"supplier_availability": "not_yet", "supplier_expected_on": "2027-03"}
    await importer.finish(csv_of(books_of(1, **awaited)))
    arrived = {"supplier_availability": "available", "supplier_expected_on": ""}
    job = await importer.finish(csv_of(books_of(1, **arrived)))
    assert (job["state"], job["counts"]["updated"], job["cleared"], job["warned"]) == ("completed", 1, {}, 0)
    await importer.finish(csv_of(books_of(1, **awaited)))
    job = await importer.finish(csv_of(books_of(1, supplier_expected_on="")))
    assert (job["state"], job["cleared"]) == ("failed", {"supplier_expected_on": 1})


async def test_a_dry_run_names_each_field_of_each_row_and_says_that_it_would_be_asked(
    importer: Importer,
) -> None:
    await seed(importer, 3)
    rows = [{**one, "subtitle": "", "contributors": ""} for one in books_of(3)]
    job = await importer.finish(csv_of(rows), dry_run="true")
    assert (job["state"], job["needs_allow_clearing"], job["warned"]) == ("completed", True, 3)
    assert job["cleared"] == {"subtitle": 3, "contributors": 3}
    for row in await importer.rows(job["id"]):
        assert sorted((one["field"], one["type"]) for one in row["warnings"]) == [
            ("contributors", "field-cleared"),
            ("subtitle", "field-cleared"),
        ]
        assert row["changes"]["subtitle"] == {"old": "Kept", "new": None}
    assert set(await subtitles(importer)) == {"Kept"}


async def test_all_or_nothing_asks_too(importer: Importer) -> None:
    await seed(importer, 4)
    job = await importer.finish(csv_of(emptied(4, 4)), on_error="abort")
    assert (job["state"], set(await subtitles(importer))) == ("failed", {"Kept"})
    job = await importer.finish(csv_of(emptied(4, 4)), on_error="abort", allow_clearing="true")
    assert (job["state"], set(await subtitles(importer))) == ("completed", {None})


async def test_what_is_empty_already_and_what_is_new_clears_nothing(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(5)))
    job = await importer.finish(csv_of([{**one, "subtitle": "", "tags": ""} for one in books_of(10)]))
    assert (job["counts"]["unchanged"], job["counts"]["created"]) == (5, 5)
    assert (job["cleared"], job["warned"]) == ({}, 0)


async def test_objects_of_ndjson_are_asked_about_too(importer: Importer) -> None:
    await seed(importer, 3)
    lines = [json.dumps({"isbn": isbn_of(n), "subtitle": None}) for n in (1, 2, 3)]
    job = await importer.finish("\n".join(lines).encode())
    assert (job["state"], set(await subtitles(importer))) == ("failed", {"Kept"})
    lines = [json.dumps({"isbn": isbn_of(n), "Sub Title": None}) for n in (1, 2, 3)]
    job = await importer.finish("\n".join(lines).encode())
    assert (job["state"], job["counts"]["unchanged"]) == ("completed", 3)


async def test_cleared_fields_come_back_by_a_revert(importer: Importer) -> None:
    await seed(importer, 3)
    job = await importer.finish(csv_of(emptied(3, 3)), allow_clearing="true")
    await importer.act(job["id"], "revert")
    await importer.run()
    assert set(await subtitles(importer)) == {"Kept"}


async def test_the_option_is_a_boolean(importer: Importer) -> None:
    answer = await importer.post(csv_of(books_of(1)), allow_clearing="perhaps")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "allow_clearing")
