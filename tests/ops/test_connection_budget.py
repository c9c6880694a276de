"""The pools of all processes must fit into what PostgreSQL accepts, or the server does not start."""

from pathlib import Path

import pytest

from app.core.db.budget import check_connections
from app.core.settings.groups import DatabaseSettings
from app.core.settings.settings import SettingsError
from devstack import Servers
from tests.conftest import run_sql
from tests.gunicorn import StartGunicorn

LIMIT = 197
"""Of the servers of the tests: 200, of which 3 are reserved."""


def settings(url: str, **fields: object) -> DatabaseSettings:
    return DatabaseSettings.model_validate({"url": url, **fields})


async def test_what_fits_is_told_and_what_does_not_is_refused_by_name(empty_database_url: str) -> None:
    said = await check_connections(settings(empty_database_url), 12)
    assert said is not None
    assert f"= 192 of {LIMIT}" in said
    with pytest.raises(SettingsError, match=r"13 .*WEB_CONCURRENCY.*DATABASE_POOL_SIZE.*= 208.*accepts 197"):
        await check_connections(settings(empty_database_url), 13)
    with pytest.raises(SettingsError, match=r"20 .*DATABASE_PROCESSES"):
        await check_connections(settings(empty_database_url, processes=20), 1)
    assert await check_connections(
        settings(empty_database_url, processes=20, pool_size=1, read_pool_size=1), 1
    )


async def test_the_limit_of_the_role_counts(servers: Servers, empty_database_url: str) -> None:
    run_sql(servers, "CREATE ROLE narrow LOGIN CONNECTION LIMIT 20")
    try:
        url = empty_database_url.replace("bookstore@", "narrow@")
        assert await check_connections(settings(url), 1)
        with pytest.raises(SettingsError, match=r"accepts 20 .*CONNECTION LIMIT"):
            await check_connections(settings(url), 2)
    finally:
        run_sql(servers, "DROP ROLE narrow")


async def test_nothing_is_refused_where_it_cannot_be_known(empty_database_url: str) -> None:
    away = settings("postgresql://nobody@127.0.0.1:1/nothing")
    assert await check_connections(away, 1000) is None
    assert await check_connections(settings(empty_database_url, pooler="transaction"), 1000) is None


def test_gunicorn_does_not_start_with_more_than_there_are(
    start_gunicorn: StartGunicorn, tmp_path: Path
) -> None:
    (tmp_path / "metrics").mkdir()
    server = start_gunicorn(is_awaited=False, WEB_CONCURRENCY="4", DATABASE_POOL_SIZE="60")
    assert server.popen.wait(60) == 1
    assert "bookstore: 4 processes (WEB_CONCURRENCY) x" in server.said
    assert "DATABASE_POOL_SIZE" in server.said
    server.exit_code = 1
