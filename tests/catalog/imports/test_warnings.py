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


@pytest.mark.parametrize("form", ["csv", "ndjson"])
@pytest.mark.parametrize(
    ("field", "odd", "kind"),
    [
        ("price", "free", "not-a-number"),
        ("price", "12,505", "thousands-separator"),
        ("price", "-5", "greater_than"),
        ("price", "1000000.01", "less_than_equal"),
        ("quantity", "a few", "not-a-number"),
        ("quantity", "-3", "greater_than_equal"),
        ("quantity", "99999999999", "less_than_equal"),
        ("currency", "USD", "wrong-currency"),
        ("sku", "no sku", "string_pattern_mismatch"),
    ],
)
async def test_an_odd_price_quantity_currency_or_sku_is_left_as_it_was_and_a_new_book_goes_without(
    importer: Importer, form: str, field: str, odd: str, kind: str
) -> None:
    old = {"price": "5", "quantity": "2", "sku": "BK-0001"}
    await importer.finish(csv_of([{"isbn": isbn_of(1), "title": "Old", **old}]))
    rows = [
        {"isbn": isbn_of(n), "title": f"Book {n}", "price": "6", "quantity": "3", field: odd} for n in (1, 2)
    ]
    content = csv_of(rows) if form == "csv" else "\n".join(map(json.dumps, rows)).encode()
    job = await importer.finish(content)
    assert (job["counts"]["updated"], job["counts"]["created"], job["counts"]["failed"]) == (1, 1, 0)
    assert job["warned"] == 2
    for row in await importer.rows(job["id"]):
        assert [(one["field"], one["type"]) for one in row["warnings"]] == [(field, kind)]
        assert row["raw"][field] == odd, "kept as it came"
    left = "price" if field == "currency" else field
    kept = {"price": 6, "quantity": 3, "sku": "BK-0001"} | {
        left: old[left] if left == "sku" else float(old[left])
    }
    book = await importer.book(isbn_of(1))
    assert {name: book[name] for name in kept} == kept
    book = await importer.book(isbn_of(2))
    absent = {"price": 6, "quantity": 3, "sku": None} | {left: 0 if left == "quantity" else None}
    assert {name: book[name] for name in absent} == absent


async def test_a_new_book_whose_price_cannot_be_read_has_none_until_it_can(
    importer: Importer,
) -> None:
    (row,) = books_of(1, quantity=3)
    await importer.finish(csv_of([{**row, "price": "free"}]))
    book = await importer.book(isbn_of(1))
    assert (book["price"], book["quantity"]) == (None, 3)
    await importer.finish(csv_of([{**row, "price": "6"}]))
    assert (await importer.book(isbn_of(1)))["price"] == 6


@pytest.mark.parametrize(("field", "odd"), [("isbn", "123"), ("title", "x" * 501), ("title", "")])
@pytest.mark.parametrize("on_error", ["skip_row", "abort"])
async def test_a_book_without_title_or_identity_is_refused(
    importer: Importer, field: str, odd: str, on_error: str
) -> None:
    row = {**ODD, "pages": "1", "language": "en", field: odd}
    job = await importer.finish(csv_of([row]), on_error=on_error)
    assert (job["counts"]["failed"], job["warned"]) == (1, 0)
    assert await importer.total("books") == 0


async def test_an_odd_price_aborts_no_import_of_all_or_nothing(importer: Importer) -> None:
    job = await importer.finish(csv_of([{**ODD, "price": "free"}, *books_of(3)[1:]]), on_error="abort")
    assert (job["state"], job["counts"]["created"], job["warned"]) == ("completed", 3, 1)


async def test_failed_rows_tried_again_are_counted_with_their_warnings_then(importer: Importer) -> None:
    taken = await importer.finish(csv_of(books_of(1)))
    job = await importer.finish(csv_of([ODD]), mode="create")
    assert (job["counts"]["failed"], job["warned"]) == (1, 0)
    await importer.act(taken["id"], "revert")
    await importer.run()
    await importer.act(job["id"], "retry")
    await importer.run()
    job = await importer.job(job["id"])
    assert (job["counts"]["created"], job["counts"]["failed"], job["warned"]) == (1, 0, 1)
