"""PostgreSQL starts with the settings that the stack gives it."""

import asyncio
import shutil
from collections.abc import Iterator

import asyncpg
import pytest

from devstack.account import account_for, passage, temporary_home
from devstack.postgres import Postgres
from tests.conftest import ROOT

CONFIGURATION = ROOT / "docker" / "postgres" / "postgresql.conf"


@pytest.fixture
def configured() -> Iterator[Postgres]:
    home = temporary_home(account_for())
    try:
        ours = home / "postgresql.conf"
        shutil.copyfile(CONFIGURATION, ours)
        ours.chmod(0o644)
        server = Postgres(
            passage(home / "postgres"), home / "postgres.log", ("--no-sync",), (f"config_file={ours}",)
        )
        server.start()
        yield server
        server.stop(immediate=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def test_it_starts_and_takes_every_line(configured: Postgres) -> None:
    async def look() -> tuple[object, ...]:
        connection = await asyncpg.connect(configured.url().replace("+asyncpg", ""))
        try:
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            return (
                await connection.fetchval("SHOW shared_buffers"),
                await connection.fetchval(
                    "SELECT count(*) FROM pg_file_settings WHERE error IS NOT NULL AND name <> 'listen_addresses'"
                ),
                await connection.fetchval(
                    "SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%shared%'"
                ),
            )
        finally:
            await connection.close()

    assert asyncio.run(look())[:2] == ("256MB", 0)
