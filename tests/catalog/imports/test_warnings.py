"""Rows that were applied, but for what could not be understood of them: a warning says what."""

import json

import pytest

from .conftest import Importer, books_of, csv_of, isbn_of

ODD = {"isbn": isbn_of(1), "title": "Odd", "pages": "many", "language": "Elvish tongue", "price": "5"}


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_an_odd_optional_field_warns_and_the_rest_of_the_row_is_applied(
    importer: Importer, form: str
) -> None:
    content = csv_of([ODD]) if form == "csv" else json.dumps(ODD).encode()
    job = await importer.finish(content)
    assert (job["state"], job["counts"]["created"], job["counts"]["failed"]) == ("completed", 1, 0)
    assert job["warned"] == 1
    book = await importer.book(isbn_of(1))
    assert (book["title"], book["price"], book["pages"], book["language"]) == ("Odd", 5, None, None)
    (row,) = await importer.rows(job["id"])
    assert (row["status"], row["errors"]) == ("created", [])
    assert [(one["field"], one["type"]) for one in row["warnings"]] == [
        ("pages", "not-a-number"),
        ("language", "value_error"),
    ]
    assert (row["raw"]["pages"], row["raw"]["language"]) == ("many", "Elvish tongue"), "kept as it came"
    assert (await importer.get(f"/{job['id']}/errors.csv")).content.count(b"\n") == 1, "no row failed"


async def test_an_odd_field_leaves_what_the_shop_has(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(1, pages=310, price=5)))
    job = await importer.finish(csv_of(books_of(1, pages="many", price=6)))
    assert (job["counts"]["updated"], job["warned"]) == (1, 1)
    book = await importer.book(isbn_of(1))
    assert (book["pages"], book["price"]) == (310, 6)
    assert (await importer.finish(csv_of(books_of(1, pages="many"))))["counts"]["unchanged"] == 1


async def test_a_dry_run_warns_too_and_writes_nothing(importer: Importer) -> None:
    job = await importer.finish(csv_of([ODD]), dry_run="true")
    assert (job["counts"]["created"], job["warned"]) == (1, 1)
    (row,) = await importer.rows(job["id"])
    assert [one["field"] for one in row["warnings"]] == ["pages", "language"]
    assert await importer.total("books") == 0


async def test_rows_with_warnings_are_listed_alone_and_the_others_too(importer: Importer) -> None:
    plain = [{**one, "pages": "310"} for one in books_of(3)]
    plain[1]["pages"] = "many"
    job = await importer.finish(csv_of(plain))
    assert [row["number"] for row in await importer.rows(job["id"], has_warnings="true")] == [2]
    assert [row["number"] for row in await importer.rows(job["id"], has_warnings="false")] == [1, 3]
    unchanged = await importer.get(f"/{job['id']}/rows", params={"has_warnings": "perhaps"})
    assert unchanged.status_code == 422


async def test_a_row_that_fails_shows_its_warnings_and_counts_as_failed_alone(importer: Importer) -> None:
    job = await importer.finish(csv_of([{**ODD, "isbn": "123"}]))
    assert (job["counts"]["failed"], job["warned"]) == (1, 0)
    (row,) = await importer.rows(job["id"])
    assert [one["field"] for one in row["errors"]] == ["isbn"]
    assert [one["field"] for one in row["warnings"]] == ["pages", "language"]


@pytest.mark.parametrize(
    ("field", "odd"), [("isbn", "123"), ("price", "free"), ("quantity", "a few"), ("sku", "none")]
)
async def test_what_is_sold_for_how_much_is_right_or_refused(
    importer: Importer, field: str, odd: str
) -> None:
    job = await importer.finish(csv_of([{**ODD, "pages": "1", "language": "en", field: odd}]))
    assert (job["counts"]["failed"], job["warned"]) == (1, 0)
    assert await importer.total("books") == 0


async def test_failed_rows_tried_again_are_counted_with_their_warnings_then(importer: Importer) -> None:
    taken = {"title": "Pen", "kind": "gift", "price": 1, "sku": "BK-0001"}
    headers = importer.caller.headers
    pen = (await importer.http.post("/api/v1/items", json=taken, headers=headers)).json()
    job = await importer.finish(csv_of([{**ODD, "sku": "BK-0001"}]))
    assert (job["counts"]["failed"], job["warned"]) == (1, 0)
    await importer.http.delete(f"/api/v1/items/{pen['id']}", headers=headers)
    await importer.act(job["id"], "retry")
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["counts"]["created"], job["counts"]["failed"], job["warned"]) == (1, 0, 1)
