"""Texts as shops and readers send them, over HTTP: markup, references, lists of tags; and the way back."""

import json
from typing import Any

import pytest

from tests.factories import a_book

from .conftest import Importer, csv_of, isbn_of

MARKED_UP = {
    "isbn": isbn_of(1),
    "title": "Cake &amp; Caf&eacute; <i>Noir</i>",
    "subtitle": "A&nbsp;story<br>of love",
    "authors": "Ann &amp; Bea O&#39;Hara; <a href='/9'>Cleo</a>",
    "publisher": "Simon &amp; Schuster",
    "series": "<b>The</b> Saga",
    "description": "<p>A <b>fine</b> &quot;story&quot;</p><script>alert(1)</script>",
    "tags": "R&amp;B, soul",
    "categories": "Crime &amp; Mystery",
}


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_markup_in_any_column_becomes_text(importer: Importer, form: str) -> None:
    job = await importer.finish(csv_of([MARKED_UP]) if form == "csv" else json.dumps(MARKED_UP).encode())
    assert (job["counts"]["created"], job["warned"]) == (1, 0), await importer.rows(job["id"])
    book = await importer.book(isbn_of(1))
    assert book["title"] == "Cake & Café Noir"
    assert book["subtitle"].replace("\u00a0", " ") == "A story of love"
    assert [one["name"] for one in book["contributors"]] == ["Ann & Bea O'Hara", "Cleo"]
    assert (book["publisher"], book["series"]) == ("Simon & Schuster", "The Saga")
    assert book["description"] == 'A fine "story"'
    assert book["tags"] == ["r&b", "soul"]
    assert [one["name"] for one in book["categories"]] == ["Crime & Mystery"]


async def test_tags_with_commas_are_several_and_too_many_are_told(importer: Importer) -> None:
    many = ", ".join(f"keyword {n}" for n in range(25))
    rows = [
        {"isbn": isbn_of(1), "title": "Tagged", "tags": "cosy, crime"},
        {
            "isbn": isbn_of(2),
            "title": "Tagged twice",
            "tags": ", ".join(f"a longer keyword {n}" for n in range(4)),
        },
        {"isbn": isbn_of(3), "title": "Many", "tags": many},
        {"isbn": isbn_of(4), "title": "Long", "tags": f"cosy, {'x' * 300}"},
    ]
    job = await importer.finish(csv_of(rows))
    assert (job["counts"]["created"], job["counts"]["failed"], job["warned"]) == (4, 0, 2)
    assert (await importer.book(isbn_of(1)))["tags"] == ["cosy", "crime"]
    assert len((await importer.book(isbn_of(2)))["tags"]) == 4
    assert (await importer.book(isbn_of(3)))["tags"] == [f"keyword {n}" for n in range(20)]
    assert (await importer.book(isbn_of(4)))["tags"] == ["cosy"]
    third, fourth = await importer.rows(job["id"], has_warnings="true")
    assert third["warnings"][0]["message"].startswith("5 left out: keyword 20")
    assert [one["field"] for one in fourth["warnings"]] == ["tags"]


@pytest.mark.parametrize("form", ["csv", "ndjson", "onix"])
async def test_a_book_whose_text_is_about_markup_comes_back_from_its_export(
    importer: Importer, form: str
) -> None:
    about: dict[str, Any] = {
        "title": "What <b> means & how &amp; is written",
        "description": "Use <p>:\n  <p>like &lt;this&gt;</p>",
        "author": "O'<i>Hara</i>",
        "tags": ["<b>", "a, b"],
        "publisher": "a < b",
    }
    await a_book(importer.http, importer.caller, isbn=isbn_of(1), **about)
    await a_book(importer.http, importer.caller, isbn=isbn_of(2), tags=["only, one"], price=3)
    before = await importer.books()
    params = {"format": form}
    export = await importer.http.get("/api/v1/admin/exports", params=params, headers=importer.caller.headers)
    job = await importer.finish(export.content)
    assert job["counts"]["unchanged"] == 2, await importer.rows(job["id"])
    assert await importer.books() == before


async def test_dates_that_leave_no_doubt_are_read_and_others_warn(importer: Importer) -> None:
    sent = {
        "2019-03-05T01:00:00+01:00": "2019-03-05",
        "2019-03-05 13:22:11": "2019-03-05",
        "20240000": "2024",
        "1998-2003": "1998",
        "May 12, 2024": "2024-05-12",
        "03/04/1998": None,
        "soon": None,
    }
    rows = [
        {"isbn": isbn_of(number), "title": "T", "published": date, "authors": f"A{number}"}
        for number, date in enumerate(sent, 1)
    ]
    job = await importer.finish(csv_of(rows))
    assert (job["counts"]["created"], job["warned"]) == (len(sent), 2)
    for number, read in enumerate(sent.values(), 1):
        assert (await importer.book(isbn_of(number)))["published_on"] == read
    assert [row["raw"]["published"] for row in await importer.rows(job["id"], has_warnings="true")] == [
        "03/04/1998",
        "soon",
    ]
