"""Exports of readers' programs, as they come: two columns for one thing, empty ones, and what no column can say."""

import pytest

from .conftest import Importer, csv_of, isbn_of

SEEDED = {
    "isbn": isbn_of(1),
    "title": "Sample Book",
    "authors": "Ann Writer",
    "tags": "signed",
    "subtitle": "A sample",
    "published": "1999",
    "description": "Fine",
}
STORYGRAPH = "Title,Authors,Contributors,ISBN/UID,Format,Tags"
GOODREADS = (
    "Book Id,Title,Author,Author l-f,Additional Authors,ISBN,ISBN13,My Rating,Publisher,Binding,Number of Pages,"
    "Year Published,Original Publication Year,Date Added,Bookshelves,My Review"
)
CALIBRE = "author_sort,authors,comments,formats,identifiers,isbn,languages,pubdate,publisher,series,series_index,tags,timestamp,title"
LIBRARYTHING = (
    "Book Id,Title,Primary Author,Secondary Author,Publication,Date,ISBN,ISBNs,Page Count,Tags,Media"
)
BOOKWYRM = "title,author_text,remote_id,openlibrary_key,isbn_10,isbn_13,start_date,finish_date,rating,review_content,shelf"


async def seeded(importer: Importer) -> dict[str, object]:
    await importer.finish(csv_of([SEEDED]))
    return await importer.book(isbn_of(1))


def names(book: dict[str, object]) -> list[str]:
    listed = book["contributors"]
    assert isinstance(listed, list)
    return [one["name"] for one in listed]


@pytest.mark.parametrize(
    ("authors", "contributors", "people"),
    [
        ("Ann Writer", "", ["Ann Writer"]),
        ("", "Ann Writer", ["Ann Writer"]),
        ("", "", ["Ann Writer"]),
        ("Ann Writer", "Writer, Ann", ["Ann Writer"]),
        ("Ann Writer", "Bob Painter (Illustrator)", ["Ann Writer", "Bob Painter"]),
    ],
)
async def test_two_columns_of_people_never_erase_and_join_without_repeats(
    importer: Importer, authors: str, contributors: str, people: list[str]
) -> None:
    before = await seeded(importer)
    row = f'Sample Book,{authors},"{contributors}",{isbn_of(1)},hardcover,signed'
    job = await importer.finish(f"{STORYGRAPH}\n{row}\n".encode())
    assert (job["state"], job["counts"]["failed"]) == ("completed", 0)
    book = await importer.book(isbn_of(1))
    assert names(book) == people
    assert book["format"] == "hardcover"
    assert {name: book[name] for name in ("tags", "subtitle", "description")} == {
        name: before[name] for name in ("tags", "subtitle", "description")
    }


async def test_an_export_of_goodreads_keeps_what_it_cannot_say(importer: Importer) -> None:
    before = await seeded(importer)
    plain = '="9780439023481"'.replace('"', '""')
    rows = [
        f'1,Sample Book,Ann Writer,"Writer, Ann",,"=""""","=""{isbn_of(1)}""",5,,,,,,2020/01/02,to-read,',
        f'2,"Hunger",Suzanne Collins,"Collins, Suzanne","Stephen Fry, Jim Dale","=""0439023483""","{plain}",0,Scholastic,Hardcover,374,2008,2008,2020/01/02,,"<br/>Good"',
    ]
    job = await importer.finish("\n".join([GOODREADS, *rows]).encode())
    assert job["counts"] == {"created": 1, "updated": 0, "deleted": 0, "unchanged": 1, "failed": 0}
    assert await importer.book(isbn_of(1)) == before
    book = await importer.book("9780439023481")
    assert names(book) == ["Suzanne Collins", "Stephen Fry", "Jim Dale"]
    assert (book["publisher"], book["pages"], book["published_on"]) == ("Scholastic", 374, "2008")


async def test_an_export_of_calibre_is_understood(importer: Importer) -> None:
    row = (
        f'"Writer, Ann",Ann Writer,"<div><p>A <em>fine</em> story</p></div>","epub, mobi","goodreads:5,isbn:{isbn_of(1)}",'
        f'{isbn_of(1)},eng,2019-03-05T01:00:00+01:00,House,The Saga,1.0,"cosy, crime",2020-01-01T00:00:00+00:00,Fine'
    )
    job = await importer.finish(f"{CALIBRE}\n{row}\n".encode())
    assert (job["counts"]["created"], job["warned"]) == (1, 0), await importer.rows(job["id"])
    book = await importer.book(isbn_of(1))
    assert (book["title"], names(book), book["description"]) == ("Fine", ["Ann Writer"], None)
    assert "comments" in job["ignored_columns"], "which may be the shop's own, and not for customers"
    assert (book["published_on"], book["language"], book["tags"]) == ("2019-03-05", "en", ["cosy", "crime"])
    assert (book["series"], book["series_position"]) == ("The Saga", "1.0")


async def test_an_export_of_librarything_is_understood(importer: Importer) -> None:
    row = f'1,Fine,"Writer, Ann",Bob Editor|Cleo Painter,"London : House, 1999",1999,[{isbn_of(1)}],{isbn_of(1)},310,"cosy, crime",Paperback'
    job = await importer.finish(f"{LIBRARYTHING}\n{row}\n".encode())
    assert job["counts"]["created"] == 1, await importer.rows(job["id"])
    book = await importer.book(isbn_of(1))
    assert names(book) == ["Writer, Ann", "Bob Editor", "Cleo Painter"]
    assert (book["pages"], book["tags"]) == (310, ["cosy", "crime"])


async def test_an_export_of_bookwyrm_is_understood(importer: Importer) -> None:
    row = f"Fine,Ann Writer,https://x.example/1,OL1M,,{isbn_of(1)},,,,,read"
    job = await importer.finish(f"{BOOKWYRM}\n{row}\n".encode())
    assert (job["counts"]["created"], job["warned"]) == (1, 0)
    assert names(await importer.book(isbn_of(1))) == ["Ann Writer"]
