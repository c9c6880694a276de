"""Imports over HTTP: what is created, changed, left alone and refused."""

import csv
import io
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import update

from app.catalog.models import StockLevel

from .conftest import Importer, books_of, csv_of, isbn_of

DEMO = Path("app/demo/data/books.csv").read_bytes()
TOLKIEN = {
    "isbn": "0-261-10221-4",
    "title": "The Hobbit",
    "subtitle": "There and back again",
    "edition": "4th edition",
    "authors": "J.R.R. Tolkien; Alan Lee",
    "publisher": "Allen & Unwin",
    "published": "1937-09-21",
    "language": "eng",
    "price": "12.50",
    "quantity": "3",
    "description": "In a hole in the ground",
    "series": "Middle-earth",
    "series_position": "1",
    "categories": "Fantasy; Children's books",
    "original_publication_year": "1937.0",
    "sku": "BK-000123",
    "tags": "classic; dragon",
}


async def test_every_field_of_a_row_arrives(importer: Importer) -> None:
    job = await importer.finish(csv_of([TOLKIEN]))
    assert job["state"] == "completed", job
    assert job["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 0, "failed": 0}
    book = await importer.book("9780261102217")
    assert book["isbn"] == "9780261102217"
    assert book["price"] == 12.5
    assert book["quantity"] == 3
    assert book["sku"] == "BK-000123"
    assert book["subtitle"] == "There and back again"
    assert book["edition_statement"] == "4th edition"
    assert book["published_on"] == "1937-09-21"
    assert book["first_published"] == 1937
    assert book["language"] == "en"
    assert book["series"] == "Middle-earth"
    assert book["series_position"] == "1"
    assert [one["name"] for one in book["contributors"]] == ["J.R.R. Tolkien", "Alan Lee"]
    assert sorted(one["slug"] for one in book["categories"]) == ["childrens-books", "fantasy"]
    assert book["tags"] == ["classic", "dragon"]
    assert book["owner_id"] == importer.caller.id
    assert await importer.ask("SELECT kind FROM stock_movements") == "import"
    history = await importer.http.get(
        f"/api/v1/items/{book['id']}/price-changes", headers=importer.caller.headers
    )
    assert [one["source"] for one in history.json()["items"]] == ["import"]
    in_stock = await importer.http.get("/api/v1/books", params={"in_stock": "true"})
    assert [one["id"] for one in in_stock.json()["items"]] == [book["id"]]


async def test_real_books_import_without_error_and_again_change_nothing(importer: Importer) -> None:
    first = await importer.finish(DEMO)
    assert first["counts"]["failed"] == 0, await importer.rows(first["id"], status="failed")
    assert first["counts"]["created"] == first["total_rows"] == DEMO.count(b"\n") - 1
    assert first["percent"] == 100
    assert first["rows_per_second"] > 0
    books = await importer.books()
    again = await importer.finish(DEMO)
    assert again["counts"] == {
        "created": 0,
        "updated": 0,
        "deleted": 0,
        "unchanged": first["total_rows"],
        "failed": 0,
    }
    assert await importer.books() == books
    assert len({book["work_id"] for book in books}) == await importer.total("works")


async def test_only_the_columns_of_the_file_are_touched(importer: Importer) -> None:
    await importer.finish(csv_of([TOLKIEN]))
    change = {"isbn": "9780261102217", "price": "9.99", "subtitle": ""}
    job = await importer.finish(csv_of([change]), allow_clearing="true")
    assert job["counts"]["updated"] == 1
    book = await importer.book("9780261102217")
    assert (book["price"], book["subtitle"], book["version"]) == (9.99, None, 2)
    assert book["title"] == "The Hobbit"
    assert len(book["contributors"]) == 2
    (row,) = await importer.rows(job["id"], status="updated")
    assert row["changes"] == {
        "price": {"old": 12.5, "new": 9.99},
        "subtitle": {"old": "There and back again", "new": None},
    }


async def test_names_in_another_spelling_change_nothing(importer: Importer) -> None:
    await importer.finish(csv_of([TOLKIEN]))
    respelt = {**TOLKIEN, "authors": "j.r.r. tolkien; ALAN LEE", "series": "middle-EARTH"}
    assert (await importer.finish(csv_of([respelt])))["counts"]["unchanged"] == 1


async def test_an_alias_stands_for_its_author(importer: Importer) -> None:
    headers = importer.caller.headers
    made = await importer.http.post(
        "/api/v1/authors", json={"name": "Mark Twain", "aliases": ["Samuel Clemens"]}, headers=headers
    )
    await importer.finish(csv_of(books_of(1, author="Samuel Clemens")))
    book = await importer.book(isbn_of(1))
    assert [one["author_id"] for one in book["contributors"]] == [made.json()["id"]]


@pytest.mark.parametrize(
    ("mode", "counts"),
    [("create", (1, 0, 1)), ("update", (0, 1, 1)), ("upsert", (1, 1, 0))],
)
async def test_the_mode_decides_what_rows_may_do(
    importer: Importer, mode: str, counts: tuple[int, int, int]
) -> None:
    await importer.finish(csv_of(books_of(1)))
    rows = [{"isbn": isbn_of(1), "title": "Changed"}, {"isbn": isbn_of(2), "title": "New"}]
    job = await importer.finish(csv_of(rows), mode=mode)
    assert tuple(job["counts"][name] for name in ("created", "updated", "failed")) == counts
    failed = await importer.rows(job["id"], status="failed")
    codes = {"create": ["isbn-taken"], "update": ["book-not-found"], "upsert": []}[mode]
    assert [row["errors"][0]["type"] for row in failed] == codes


async def test_editions_of_one_text_become_one_work(importer: Importer) -> None:
    await importer.finish(
        csv_of([{"isbn": isbn_of(n), "title": "Émile", "author": "Rousseau"} for n in (1, 2)])
    )
    await importer.finish(csv_of([{"isbn": isbn_of(3), "title": "EMILE", "author": "rousseau"}]))
    assert await importer.total("works") == 1


async def test_an_edition_of_a_merged_work_joins_the_one_that_stands(importer: Importer) -> None:
    rows = [{"isbn": isbn_of(n), "title": title, "author": "Ann"} for n, title in enumerate("ABC", start=1)]
    await importer.finish(csv_of(rows))
    works = [(await importer.book(isbn_of(n)))["work_id"] for n in (1, 2, 3)]
    for source, into in pairwise(works):
        merged = await importer.http.post(
            f"/api/v1/admin/works/{source}/merge", json={"into": into}, headers=importer.caller.headers
        )
        assert merged.status_code == 200, merged.text
    job = await importer.finish(csv_of([{"isbn": isbn_of(4), "title": "a", "author": "ann"}]))
    assert job["counts"]["created"] == 1
    assert (await importer.book(isbn_of(4)))["work_id"] == works[-1]
    assert await importer.total("works") == 1


async def test_a_work_follows_its_only_edition(importer: Importer) -> None:
    rows = [{"isbn": isbn_of(n), "title": f"Draft {n}", "author": "Ann"} for n in (1, 2)]
    await importer.finish(csv_of(rows))
    await importer.finish(csv_of([{**row, "title": "The Novel"} for row in rows]))
    (work_id,) = {book["work_id"] for book in await importer.books()}
    work = (await importer.http.get(f"/api/v1/works/{work_id}")).json()
    assert (work["title"], len(work["editions"])) == ("The Novel", 2)


async def test_bad_rows_fail_alone_and_can_be_mended_and_sent_again(importer: Importer) -> None:
    rows = [
        {"isbn": isbn_of(1), "title": "Good", "price": "5", "Notes": "=1+1"},
        {"isbn": "9780261102218", "title": "Wrong, check digit", "price": "5", "Notes": "=1+1"},
        {"isbn": isbn_of(1), "title": "Twice", "price": "5", "Notes": ""},
        {"isbn": "", "title": "No key", "price": "5", "Notes": ""},
        {"isbn": isbn_of(2), "title": "x" * 501, "price": "-5.00", "Notes": ""},
        {"isbn": isbn_of(3), "title": "", "price": "5", "Notes": ""},
    ]
    job = await importer.finish(csv_of(rows))
    assert job["state"] == "completed"
    assert job["ignored_columns"] == ["Notes"]
    assert (job["counts"]["created"], job["counts"]["failed"], job["total_rows"]) == (1, 5, 6)
    failed = await importer.rows(job["id"], status="failed")
    assert [row["number"] for row in failed] == [2, 3, 4, 5, 6]
    assert failed[0]["raw"]["title"] == "Wrong, check digit"
    assert failed[1]["errors"][0]["type"] == "repeated"
    answer = await importer.get(f"/{job['id']}/errors.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    listed = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(listed[0]) == ["isbn", "title", "price", "Notes", "error"]
    assert listed[0]["Notes"] == "'=1+1"
    assert listed[3]["price"] == "-5.00"
    assert "check digit" in listed[0]["error"]
    listed[0]["isbn"], listed[3]["title"] = "9780261102217", "Shorter"
    again = await importer.finish(csv_of(listed))
    assert again["counts"]["created"] == 2
    assert "error" in again["ignored_columns"]
    assert (await importer.book("9780261102217"))["title"] == "Wrong, check digit"


async def test_text_that_looks_escaped_comes_back_as_it_was(importer: Importer) -> None:
    rows = [
        {"isbn": "9780261102218", "title": "''=SUM(1)", "subtitle": "'=2", "publisher": "=3", "@note": "-4"}
    ]
    job = await importer.finish(csv_of(rows))
    answer = await importer.get(f"/{job['id']}/errors.csv")
    (listed,) = csv.DictReader(io.StringIO(answer.text))
    assert list(listed) == ["isbn", "title", "subtitle", "publisher", "'@note", "error"], "no header runs"
    assert [listed[name] for name in ("title", "subtitle", "publisher")] == ["''=SUM(1)", "'=2", "'=3"]
    again = await importer.finish(csv_of([{**listed, "isbn": "9780261102217"}]))
    assert again["counts"]["created"] == 1
    book = await importer.book("9780261102217")
    assert (book["title"], book["subtitle"], book["publisher"]) == ("'=SUM(1)", "=2", "=3")


async def test_a_sku_of_another_item_stays_with_it_and_the_book_goes_without(importer: Importer) -> None:
    await importer.finish(csv_of([{"isbn": isbn_of(9), "title": "Has it", "sku": "BK-000001"}]))
    rows = [
        {"isbn": isbn_of(1), "title": "Wants it", "sku": "BK-000001"},
        {"isbn": isbn_of(2), "title": "First", "sku": "BK-000002"},
        {"isbn": isbn_of(3), "title": "Second", "sku": "BK-000002"},
    ]
    job = await importer.finish(csv_of(rows))
    assert (job["counts"]["created"], job["warned"]) == (3, 2)
    warned = await importer.rows(job["id"], has_warnings="true")
    assert [(row["number"], row["warnings"][0]["type"], row["raw"]["sku"]) for row in warned] == [
        (1, "sku-taken", "BK-000001"),
        (3, "sku-taken", "BK-000002"),
    ]
    skus = {book["title"]: book["sku"] for book in await importer.books()}
    assert skus == {"Has it": "BK-000001", "Wants it": None, "First": "BK-000002", "Second": None}
    job = await importer.finish(csv_of([{"isbn": isbn_of(2), "title": "Renamed", "sku": "BK-000001"}]))
    assert (job["counts"]["updated"], job["warned"]) == (1, 1)
    book = await importer.book(isbn_of(2))
    assert (book["title"], book["sku"]) == ("Renamed", "BK-000002"), "its own stays"


async def test_a_quantity_is_what_is_available_and_goes_through_the_ledger(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(1, quantity=5)))
    async with importer.app.state.database.sessions.begin() as session:
        await session.connection()
        await (await session.connection()).exec_driver_sql("UPDATE stock_levels SET reserved = 2")
    await importer.finish(csv_of(books_of(1, quantity=7)))
    assert (await importer.book(isbn_of(1)))["quantity"] == 7
    assert await importer.counted() == 9


async def test_quantities_of_what_is_sold_before_it_is_there_or_not_at_all_come_back_unchanged(
    importer: Importer,
) -> None:
    await importer.finish(csv_of(books_of(3, quantity=5)))
    levels = [
        {"sale_policy": "backorder", "oversell_limit": 4, "on_hand": 1, "reserved": 3},
        {"sale_policy": "none", "reserved": 1},
    ]
    async with importer.app.state.database.sessions.begin() as session:
        for number, level in enumerate(levels, start=1):
            id_ = (await importer.book(isbn_of(number)))["id"]
            await session.execute(update(StockLevel).where(StockLevel.item_id == id_).values(**level))
    exported = await importer.http.get(
        "/api/v1/admin/exports", params={"format": "csv"}, headers=importer.caller.headers
    )
    assert exported.status_code == 200, exported.text
    job = await importer.finish(exported.content)
    assert (job["counts"]["updated"], job["counts"]["unchanged"]) == (0, 3)
    # Less than the limit leaves over cannot be had, and nothing is for sale of what is not sold.
    await importer.finish(csv_of(books_of(2, quantity=1)))
    quantities = [(await importer.book(isbn_of(number)))["quantity"] for number in (1, 2, 3)]
    assert quantities == [1, 0, 5]


async def test_books_without_isbn_are_made_in_mode_create_alone(importer: Importer) -> None:
    rows = [{"isbn": "", "title": "Before ISBNs", "author": "Anon"}]
    assert (await importer.finish(csv_of(rows), mode="create"))["counts"]["created"] == 1
    assert (await importer.finish(csv_of(rows)))["counts"]["failed"] == 1


async def test_headers_are_mapped_by_the_sender(importer: Importer) -> None:
    content = csv_of([{"Nummer": isbn_of(1), "Titel": "Momo", "title": "internal"}], delimiter=";")
    job = await importer.finish(content, mapping='{"Nummer": "isbn", "Titel": "title"}')
    assert job["counts"]["created"] == 1, job
    assert (await importer.book(isbn_of(1)))["title"] == "Momo"


async def test_ndjson_is_understood(importer: Importer) -> None:
    lines = b'{"isbn": "9780261102217", "title": "The Hobbit", "authors": ["J.R.R. Tolkien"]}\n'
    job = await importer.finish(lines, "books.ndjson")
    assert (job["format"], job["counts"]["created"]) == ("ndjson", 1)


async def test_failed_rows_of_a_continental_file_keep_its_delimiter_and_so_its_commas(
    importer: Importer,
) -> None:
    rows = [{"isbn": "9780261102218", "title": "Der Hobbit", "price": "12,50"}]
    job = await importer.finish(csv_of(rows, delimiter=";"))
    errors = (await importer.get(f"/{job['id']}/errors.csv")).text
    assert errors.startswith("isbn;title;price;error")
    job = await importer.finish(errors.replace("9780261102218", "9780261102217").encode())
    assert job["counts"]["created"] == 1, await importer.rows(job["id"])
    assert (await importer.book("9780261102217"))["price"] == 12.5
