"""Files that take books off sale and put them back."""

from tests.catalog.imports.conftest import Importer, books_of, csv_of, isbn_of

BOOKS = "/api/v1/books"


async def listed(importer: Importer) -> list[str]:
    found = []
    for path in (BOOKS, "/api/v1/search?q=Zephyr"):
        items = (await importer.http.get(path)).raise_for_status().json()["items"]
        found.append("".join(one["isbn"] for one in items))
    return found


async def test_a_file_takes_a_book_off_sale_and_puts_it_back(importer: Importer) -> None:
    isbn = isbn_of(1)
    await importer.finish(csv_of(books_of(1, title="Zephyr", is_active="no")))
    assert await listed(importer) == ["", ""]
    for cell, expected in (("true", isbn), ("", isbn), ("0", ""), ("1", isbn)):
        job = await importer.finish(csv_of([{"isbn": isbn, "is_active": cell}]))
        assert job["counts"]["failed"] == 0
        assert await listed(importer) == [expected, expected], cell
    odd = await importer.finish(csv_of([{"isbn": isbn, "is_active": "perhaps"}]))
    assert (odd["counts"]["failed"], await listed(importer)) == (0, [isbn, isbn])


async def test_a_revert_puts_back_on_sale_what_its_file_took_off(importer: Importer) -> None:
    await importer.finish(csv_of(books_of(1, title="Zephyr")))
    job = await importer.finish(csv_of([{"isbn": isbn_of(1), "is_active": "false"}]))
    assert await listed(importer) == ["", ""]
    await importer.act(job["id"], "revert")
    await importer.run()
    assert await listed(importer) == [isbn_of(1)] * 2
