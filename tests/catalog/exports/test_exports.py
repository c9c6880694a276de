"""Exports over HTTP: what is in the file, who may have it, and that reading it gives everything back."""

import csv
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from dirty_equals import IsPartialDict, IsStr

from tests.catalog.exports.odd_books import BARE, BARE_VALUES, ODD, ODD_VALUES, add_books
from tests.catalog.formats.reading import records_of
from tests.conftest import Audit, Caller

EXPORTS = "/api/v1/admin/exports"
Export = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def export(client: httpx.AsyncClient, moderator: Caller) -> Export:
    async def get(**parameters: Any) -> httpx.Response:
        answer = await client.get(EXPORTS, params=parameters, headers=moderator.headers)
        assert answer.status_code == 200, answer.text
        return answer

    return get


@pytest.fixture
async def books(client: httpx.AsyncClient, moderator: Caller) -> list[int]:
    """The odd one and the bare one."""
    return await add_books(client, moderator)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_every_field_of_an_export_is_read_back_as_it_was(
    books: list[int], export: Export, tmp_path: Path, form: str
) -> None:
    assert len(books) == 2
    answer = await export(format=form)
    odd, bare = records_of(tmp_path / "export", answer.content, format=form)
    assert (odd.problems, bare.problems) == ([], [])
    assert (odd.isbn13, odd.values) == (ODD["isbn"], ODD_VALUES)
    assert (bare.isbn13, bare.values) == (BARE["isbn"], BARE_VALUES)


async def test_text_cells_of_csv_are_no_formulas_and_numbers_are_numbers(
    books: list[int], export: Export
) -> None:
    del books
    row = next(csv.DictReader(io.StringIO((await export()).text, newline="")))
    for name in ("title", "publisher", "description", "series", "series_position", "tags"):
        assert row[name].startswith("'"), name
    assert row["subtitle"] == "''=already escaped"
    assert row["edition"] == "'=2nd; revised | “enlarged” edition"
    numbers = (row["first_published"], row["price"], row["quantity"], row["isbn13"], row["published"])
    assert numbers == ("-750", "12.50", "7", "9780261102217", "1937-09")


async def test_ndjson_holds_text_as_it_is_and_typed_values(books: list[int], export: Export) -> None:
    del books
    answer = await export(format="ndjson")
    odd, bare = (orjson.loads(line) for line in answer.content.splitlines())
    assert odd == IsPartialDict(
        title=ODD["title"],
        price=12.5,
        tags=ODD["tags"],
        contributors=ODD["contributors"],
        categories=["fantasy", "sci-fi"],
        subjects=ODD["subjects"],
        published="1937-09",
    )
    assert list(odd) == list(bare)
    assert odd["edition_statement"] == ODD["edition_statement"]
    assert (bare["subtitle"], bare["edition_statement"]) == (None, None)


@pytest.mark.parametrize(
    ("form", "media_type", "extension"),
    [
        ("csv", "text/csv; charset=utf-8", "csv"),
        ("ndjson", "application/x-ndjson", "ndjson"),
        ("onix", "application/xml", "xml"),
    ],
)
async def test_a_browser_saves_the_file_and_keeps_no_copy(
    export: Export, form: str, media_type: str, extension: str
) -> None:
    headers = (await export(format=form)).headers
    assert headers["content-type"] == media_type
    assert headers["content-disposition"] == IsStr(
        regex=rf'attachment; filename="books-\d{{8}}\.{extension}"'
    )
    assert headers["cache-control"] == "private, no-store"
    assert headers["x-content-type-options"] == "nosniff"


async def test_an_export_of_nothing_is_a_header(export: Export) -> None:
    assert (await export()).text.startswith("isbn13,title,")
    assert (await export()).text.count("\r\n") == 1
    assert (await export(format="ndjson")).content == b""


async def test_a_byte_order_mark_stands_before_the_header_where_it_is_asked_for(
    books: list[int], export: Export, tmp_path: Path
) -> None:
    content = (await export(bom="true")).content
    assert content.startswith(b"\xef\xbb\xbfisbn13,")
    assert len(records_of(tmp_path / "export.csv", content)) == len(books)


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 2),
        ({"language": "zh"}, 1),
        ({"book_format": "ebook,paperback"}, 1),
        ({"book_format": "audiobook"}, 0),
        ({"category": "fantasy"}, 1),
        ({"series": "@series; ONE"}, 1),
        ({"author": "smith"}, 1),
        ({"search": "bare"}, 1),
        ({"search": "978-0-439-02348-1"}, 1),
        ({"subject": "thema:FM"}, 1),
        ({"tags": "@home"}, 1),
        ({"max_price": "5"}, 1),
        ({"in_stock": "true"}, 1),
        ({"max_year": "0"}, 1),
        ({"category": "no-such"}, 0),
    ],
)
async def test_the_filters_of_the_list_choose_what_is_exported(
    books: list[int], export: Export, filters: dict[str, str], count: int
) -> None:
    del books
    assert len((await export(format="ndjson", **filters)).content.splitlines()) == count


@pytest.mark.parametrize("parameters", [{"skip": 1}, {"limit": 5}, {"cursor": "x"}, {"format": "xlsx"}])
async def test_pages_and_unknown_formats_are_refused(
    client: httpx.AsyncClient, moderator: Caller, parameters: dict[str, str]
) -> None:
    answer = await client.get(EXPORTS, params=parameters, headers=moderator.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation")


async def test_an_export_is_audited_with_its_filters(export: Export, audit: Audit) -> None:
    await export(format="ndjson", language="en", book_format="ebook")
    (entry,) = await audit(action="catalog.exported")
    assert (entry["target"], entry["target_id"]) == ("catalog", "books")
    assert entry["changes"] == {
        "format": [None, "ndjson"],
        "language": [None, ["en"]],
        "book_format": [None, ["ebook"]],
    }


async def test_sellers_may_not_export(client: httpx.AsyncClient, seller: Caller) -> None:
    answer = await client.get(EXPORTS, headers=seller.headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")


@pytest.mark.parametrize("form", ["csv", "ndjson", "onix"])
async def test_the_shops_own_export_holds_what_is_off_sale_and_no_other_does(
    client: httpx.AsyncClient, moderator: Caller, books: list[int], export: Export, tmp_path: Path, form: str
) -> None:
    off = await client.patch(
        f"/api/v1/books/{books[1]}", json={"is_active": False}, headers=moderator.headers
    )
    assert off.status_code == 200
    whole, cut = await export(format=form), await export(format=form, in_stock=True)
    assert BARE["isbn"] not in cut.text
    if form == "onix":
        assert BARE["isbn"] not in whole.text
        return
    records = records_of(tmp_path / "whole", whole.content, format=form)
    kept = {record.isbn13: record.values["is_active"] for record in records}
    assert kept == {ODD["isbn"]: True, BARE["isbn"]: False}
