"""Invented books: as many as one likes, beside the demo and never in the way of real ones."""

import asyncio

import asyncpg
import pytest

from app.catalog.isbn import parse_isbn
from tests.cli.conftest import Run


def ask(url: str, question: str) -> list[asyncpg.Record]:
    async def run() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return await connection.fetch(question)
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.mark.usefixtures("environment")
def test_generated_books_are_whole_and_come_on_top_of_what_is_there(
    run: Run, empty_database_url: str
) -> None:
    assert run("demo").exit_code == 0
    [before] = ask(empty_database_url, "SELECT count(*) FROM books")
    for _ in range(2):
        result = run("demo", "generate", "--books", "120")
        assert result.exit_code == 0, result.output
        assert "Added 120 invented books" in result.output
    rows = ask(
        empty_database_url,
        """
        SELECT isbn13, title, words::text <> '' AS is_searchable, author_ids, documents.in_stock, on_hand,
               (SELECT coalesce(sum(delta), 0) FROM stock_movements AS moved WHERE moved.item_id = books.item_id) AS moved
        FROM books JOIN items ON items.id = books.item_id JOIN stock_levels USING (item_id)
        JOIN book_documents AS documents ON documents.book_id = books.item_id WHERE isbn13 LIKE '9799%'
        """,
    )
    assert len(rows) == len({row["isbn13"] for row in rows}) == 240
    assert ask(empty_database_url, "SELECT count(*) FROM books")[0]["count"] == before["count"] + 240
    for row in rows:
        assert parse_isbn(row["isbn13"]) == row["isbn13"]
        assert (row["title"].strip(), row["is_searchable"]) == (row["title"], True)
        assert row["author_ids"]
        assert row["moved"] == row["on_hand"]
        assert row["in_stock"] == (row["on_hand"] > 0)


@pytest.mark.usefixtures("environment")
def test_generating_needs_the_demo(run: Run) -> None:
    result = run("demo", "generate", "--books", "5")
    assert result.exit_code == 1
    assert "bookstore demo" in result.stderr


def test_generating_is_refused_in_production(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("ENVIRONMENT", "production")
    assert "ENVIRONMENT=development" in run("demo", "generate", "--books", "5").stderr


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("count", ["0", "-1", "many", "99999999999"])
def test_a_senseless_number_of_books_is_refused(run: Run, count: str) -> None:
    assert run("demo", "generate", "--books", count).exit_code == 2
