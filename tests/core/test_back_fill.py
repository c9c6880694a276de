"""A back-fill works in batches of their own, and one that was killed goes on where it was."""

import os
import signal
import subprocess
import sys

import pytest

from devstack.process import wait_until
from tests.conftest import ROOT, ask_sql

ROWS = 30_000
PROGRAM = """
import asyncio
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine
from app.core.db.backfill import back_fill

def fill(connection):
    context = MigrationContext.configure(connection)
    return back_fill(context, "gauges", "doubled = value * 2", wanting="doubled IS NULL")

async def run():
    engine = create_async_engine({url!r}, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        print(await connection.run_sync(fill))
    await engine.dispose()

asyncio.run(run())
"""


@pytest.fixture
def gauges(empty_database_url: str) -> str:
    """A database with a table whose new column is empty."""
    ask_sql(empty_database_url, "CREATE TABLE gauges (id bigint PRIMARY KEY, value int, doubled int)")
    ask_sql(
        empty_database_url,
        f"INSERT INTO gauges SELECT n * 2, n, NULL FROM generate_series(1, {ROWS}) AS n",  # noqa: S608 (a number)
    )
    return empty_database_url


def start(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 (our own program)
        (sys.executable, "-c", PROGRAM.format(url=url)),
        cwd=ROOT,
        env={**os.environ, "DOTENV": ""},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_was_killed_goes_on_where_it_was(gauges: str) -> None:
    filled = "SELECT count(*) FROM gauges WHERE doubled IS NOT NULL"
    killed = start(gauges)
    assert wait_until(lambda: ask_sql(gauges, filled) > 0, timeout=60)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert wait_until(
        lambda: ask_sql(gauges, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%gauges SET%'") <= 1,
        timeout=60,
    )
    before = ask_sql(gauges, filled)
    assert 0 < before < ROWS

    again = start(gauges)
    said, _ = again.communicate(timeout=120)

    assert int(said) == ROWS - before
    assert ask_sql(gauges, "SELECT count(*) FROM gauges WHERE doubled = value * 2") == ROWS


def test_what_is_filled_already_is_left_alone(gauges: str) -> None:
    ask_sql(gauges, "UPDATE gauges SET doubled = 7 WHERE id <= 100")
    said, _ = start(gauges).communicate(timeout=120)
    assert int(said) == ROWS - 50
    assert ask_sql(gauges, "SELECT count(*) FROM gauges WHERE doubled = 7") == 50
