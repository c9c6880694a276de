"""Fields that an import would empty: told row by row, and asked about before many are."""

import json

import pytest

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
        (1, 1, False),
        (1, 5, False),
        (2, 20, False),
        (3, 20, True),
        (2, 19, True),
        (2, 2, True),
        (20, 20, True),
    ],
)
async def test_more_than_a_tenth_of_the_rows_is_asked_about_and_a_single_row_never(
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
    assert f"subtitle would become empty in {count} of the first {rows} rows" in job["error"]
    assert "allow_clearing=true" in job["error"]
    assert set(await subtitles(importer)) == {"Kept"}
    assert {book["price"] for book in await importer.books()} == {5}, "no row was written"
    job = await importer.finish(csv_of(emptied(count, rows, price=6)), allow_clearing="true")
    assert (job["state"], job["cleared"], job["allow_clearing"]) == ("completed", {"subtitle": count}, True)
    assert (await subtitles(importer)).count(None) == count


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
