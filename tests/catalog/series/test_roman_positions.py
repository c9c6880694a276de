"""Positions that were stored before Roman numbers counted."""

import asyncio

import asyncpg
import pytest
from alembic.config import Config

from alembic import command
from app.catalog.books.schemas import series_order
from tests.core.test_migrations import CONFIG

POSITIONS = ["IV", "Vol. xii", "XXXIX", "Part I", "prequel", "Civic", "IIX", "A"]


def test_the_migration_gives_them_the_number_that_new_ones_have(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    config = Config(CONFIG)
    command.downgrade(config, "0072")

    async def run(*statements: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(empty_database_url.replace("+asyncpg", ""))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetch(statements[-1], *[POSITIONS] * ("$1" in statements[-1]))
        finally:
            await connection.close()

    asyncio.run(
        run(
            "INSERT INTO users (username, email, email_key, password_hash) VALUES ('a', 'a@b.c', 'a@b.c', '!')",
            "INSERT INTO series (name) VALUES ('The Sample')",
            "INSERT INTO works (title) SELECT 'w' FROM generate_series(1, 8)",
            "INSERT INTO items (kind, title, currency, owner_id)"
            " SELECT 'book', 'b', 'EUR', users.id FROM generate_series(1, 8), users",
            "INSERT INTO books (item_id, work_id, series_id, series_position)"
            " SELECT n, n, 1, position FROM unnest($1::text[]) WITH ORDINALITY AS positions (position, n)",
        )
    )
    command.upgrade(config, "head")
    stored = asyncio.run(run("SELECT series_position, series_order FROM books"))
    assert {one["series_position"]: one["series_order"] for one in stored} == {
        position: series_order(position) for position in POSITIONS
    }
