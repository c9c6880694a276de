"""One normal form of names: spellings of one name are one person, or one series, at every door."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from alembic import command
from app.catalog.names import printed_name
from tests.catalog.imports.conftest import Importer, csv_of, importer, isbn_of
from tests.conftest import Caller
from tests.core.test_migrations import CONFIG
from tests.factories import a_book, an_author

__all__ = ["importer"]

TOLKIEN = (
    "J.R.R. Tolkien",
    "J. R. R. Tolkien",
    "J R R Tolkien",
    "JRR Tolkien",
    "Tolkien, J.R.R.",
    "TOLKIEN, J. R. R.",
    "J.\u200bR.R.\u00a0Tolkien\ufeff",
    " j.r.r.  tolkien",
    "Tolkien ,J. R.R",
    "J.R.R. Tolkien.",
    "\u202aJ.\u202fR.\u2009R. Tolkien\u202c",
)
ONE_PERSON = (
    TOLKIEN,
    (
        "Émile Zola",
        "E\u0301mile Zola",
        "Zola, Émile",
        "EMILE ZOLA",
        "Zola,Emile",
        "Émile\u00adZola".replace("\u00ad", " "),
    ),
    ("Martin Luther King, Jr.", "Martin Luther King Jr", "King, Martin Luther, Jr."),
    ("Ludwig van Beethoven", "Beethoven, Ludwig van"),
    ("J.-P. Sartre", "J-P Sartre", "J. P. Sartre", "Sartre, J.-P."),
    ("Flannery O'Connor", "O’Connor, Flannery", "O'Connor, Flannery"),
    ("村上 春樹", "村上春樹", "村上\u3000春樹"),
    ("Л. Н. Толстой", "Л.Н. Толстой", "Толстой, Л. Н."),
    ("C.S. Lewis", "CS Lewis", "C S Lewis", "Lewis, C.S.", "Lewis, C. S."),
    ("Thomas Nelson, Inc.", "Thomas Nelson Inc"),
    ("\uff2a.\uff32.\uff32. Tolkien", "J.R.R. Tolkien"),
)
OTHER_PEOPLE = (
    ("Jo Nesbø", "J.O. Nesbø"),
    ("John Smith", "J. Smith"),
    ("John Smith", "John Smith Jr."),
    ("Smith, Elder & Co.", "Elder & Co. Smith"),
    ("Mark Twain", "Mark Twain Jr"),
    ("Li Bai", "L.I. Bai"),
    ("John James", "James John"),
    ("Henry II", "Henry III"),
    ("Ann Writer, Bob Editor", "Ann Writer"),
    ("X", "Y"),
)


async def keys(connection: AsyncConnection, function: str, names: tuple[str, ...]) -> list[str]:
    return [await connection.scalar(text(f"SELECT {function}(:name)"), {"name": name}) for name in names]


@pytest.mark.parametrize("spellings", ONE_PERSON, ids=lambda one: one[0])
async def test_spellings_of_one_name_have_one_key(
    connection: AsyncConnection, spellings: tuple[str, ...]
) -> None:
    assert len(set(await keys(connection, "person_key", spellings))) == 1


@pytest.mark.parametrize("names", OTHER_PEOPLE, ids=lambda one: one[0])
async def test_other_names_have_other_keys(connection: AsyncConnection, names: tuple[str, ...]) -> None:
    assert len(set(await keys(connection, "person_key", names))) == len(names)


async def test_any_text_has_a_key_and_plain_names_take_the_short_way_to_the_same(
    connection: AsyncConnection,
) -> None:
    for odd in ("", ".", ",", ", ,", "...", "A,,B", "(", "\\", "%", "\u200b", "😀", "a" * 5000, "A, " * 500):
        assert (await keys(connection, "person_key", (odd,)))[0] is not None, odd
    assert await keys(connection, "person_key", ("Ursula Le Guin",)) == await keys(
        connection, "name_key", (" Ursula Le  Guin ",)
    )
    assert await connection.scalar(text("SELECT person_key(NULL)")) is None


def test_what_is_stored_is_the_printed_spelling_without_what_nobody_sees() -> None:
    assert printed_name(" J.\u200bR.R.\u00a0 Tolkien\ufeff") == "J.R.R. Tolkien"
    assert printed_name("E\u0301mile") == "Émile"
    assert printed_name("می\u200cخواهم") == "می\u200cخواهم", "keeps letters apart that Persian keeps apart"
    assert printed_name("A\u200dB") == "AB"


async def test_eight_spellings_over_http_are_one_author_who_is_called_as_first_printed(
    client: httpx.AsyncClient, seller: Caller
) -> None:
    made = [await a_book(client, seller, author=name) for name in TOLKIEN]
    assert len({book["contributors"][0]["author_id"] for book in made}) == 1
    assert {book["author"] for book in made} == {"J.R.R. Tolkien"}
    assert (await client.get("/api/v1/authors")).json()["total"] == 1


async def test_an_author_added_by_hand_is_found_by_name_and_by_alias_in_any_spelling(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    author = await an_author(
        client, moderator, name="Le Guin, Ursula\u200b K.", aliases=["U. K. L. G. Rowan"]
    )
    assert author["name"] == "Le Guin, Ursula K."
    for spelling in (
        "Ursula K. Le Guin",
        "URSULA K LE GUIN",
        "Rowan, U.K.L.G.",
        "UKLG Rowan".replace("UKLG", "U K L G"),
    ):
        book = await a_book(client, moderator, author=spelling)
        assert book["contributors"][0]["author_id"] == author["id"], spelling


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_an_import_knows_the_spellings_too(importer: Importer, form: str) -> None:
    rows: list[dict[str, Any]] = [
        {"isbn": isbn_of(number), "title": f"T{number}", "authors": name}
        for number, name in enumerate(TOLKIEN, start=1)
    ]
    content = csv_of(rows) if form == "csv" else "\n".join(map(json.dumps, rows)).encode()
    job = await importer.finish(content)
    assert job["counts"]["created"] == len(TOLKIEN)
    assert await importer.total("authors") == 1
    assert {book["author"] for book in await importer.books()} == {"J.R.R. Tolkien"}
    assert (await importer.finish(content))["counts"]["unchanged"] == len(TOLKIEN)


async def test_two_spellings_in_one_row_are_one_credit(importer: Importer) -> None:
    row = {
        "isbn": isbn_of(1),
        "title": "T",
        "authors": "Tolkien, J.R.R.; J. R. R. Tolkien (editor); JRR Tolkien",
    }
    await importer.finish(csv_of([row]))
    credited = (await importer.book(isbn_of(1)))["contributors"]
    assert [(one["name"], one["role"]) for one in credited] == [
        ("Tolkien, J.R.R.", "author"),
        ("Tolkien, J.R.R.", "editor"),
    ]


SERIES = (
    "The Sample",
    "the sample",
    "The  Sample",
    "THE\u00a0SAMPLE",
    "Sample, The",
    "The\u200b Sample",
    " The Sample ",
)


async def test_series_in_any_spelling_are_one_and_the_first_spelling_shows(importer: Importer) -> None:
    rows = [
        {"isbn": isbn_of(number), "title": f"T{number}", "series": name, "series_position": number}
        for number, name in enumerate(SERIES, start=1)
    ]
    job = await importer.finish(csv_of(rows))
    assert job["counts"]["created"] == len(SERIES)
    books = await importer.books()
    assert {book["series"] for book in books} == {"The Sample"}
    assert len({book["series_id"] for book in books}) == 1
    made = await a_book(importer.http, importer.caller, series="the\u2003sample")
    assert made["series_id"] == books[0]["series_id"]
    found = await importer.http.get("/api/v1/books", params={"series": "Sample, The"})
    assert found.json()["total"] == len(SERIES) + 1
    await a_book(importer.http, importer.caller, series="S. P. Q. R. Tales")
    other = await a_book(importer.http, importer.caller, series="SPQR Tales".replace("SPQR", "S.P.Q.R."))
    assert other["series"] == "S. P. Q. R. Tales"


async def test_a_series_cannot_be_renamed_to_a_spelling_of_another(
    client: httpx.AsyncClient, moderator: Caller
) -> None:
    await a_book(client, moderator, series="The Sample")
    other = await a_book(client, moderator, series="Another")
    path = f"/api/v1/series/{other['series_id']}"
    answer = await client.patch(path, json={"name": "Sample,  the"}, headers=moderator.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "series-name-taken")


def test_the_migration_makes_one_series_of_spellings_and_leaves_namesakes_alone(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    config = Config(CONFIG)
    command.downgrade(config, "0024")

    def run(sql: str) -> list[asyncpg.Record]:
        async def ask() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
            try:
                return await connection.fetch(sql)
            finally:
                await connection.close()

        return asyncio.run(ask())

    run("INSERT INTO users (username, email, email_key, password_hash) VALUES ('a', 'a@b.c', 'a@b.c', '!')")
    run("INSERT INTO authors (name, sort_name) VALUES ('J.R.R. Tolkien', 'x'), ('J. R. R. Tolkien', 'x')")
    run("INSERT INTO series (name) VALUES ('The Sample'), ('Other'), ('The  Sample'), ('Sample, The')")
    run("INSERT INTO works (title) SELECT 'w' FROM generate_series(1, 4)")
    run(
        "INSERT INTO items (kind, title, currency, owner_id)"
        " SELECT 'book', 'b', 'EUR', users.id FROM generate_series(1, 4), users"
    )
    run("INSERT INTO books (item_id, work_id, series_id) SELECT n, n, n FROM generate_series(1, 4) AS n")
    run(
        "INSERT INTO import_rows (job_id, number, status, item_id, version, before)"
        " VALUES (1, 1, 'updated', 3, 1, '{\"series_id\": 4}')"
    )
    command.upgrade(config, "head")
    assert [row["name"] for row in run("SELECT name FROM series ORDER BY id")] == ["The Sample", "Other"]
    assert [row["series_id"] for row in run("SELECT series_id FROM books ORDER BY item_id")] == [1, 2, 1, 1]
    assert [row["version"] for row in run("SELECT version FROM items ORDER BY id")] == [1, 1, 2, 2]
    (row,) = run("SELECT version, before ->> 'series_id' AS series_id FROM import_rows")
    assert (row["version"], row["series_id"]) == (2, "1"), "a revert leads to the series that is left"
    assert run("SELECT count(*) FROM authors")[0]["count"] == 2, "two people may share a name"
    command.downgrade(config, "0024")
    command.upgrade(config, "head")
