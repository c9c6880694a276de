"""Servers that are away or refuse: told in a line that names the variable to set."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.probe import warn_of_servers_away
from app.core.settings.settings import SettingsError, load_settings
from devstack import Servers
from devstack.process import wait_until
from tests.cli.conftest import Run
from tests.conftest import ROOT, run_sql

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"


@pytest.fixture
def guarded_url(servers: Servers) -> Iterator[str]:
    """A login that PostgreSQL lets in by password alone, with a wrong one."""
    rules = servers.postgres.data / "pg_hba.conf"
    before = rules.read_text()
    run_sql(servers, "CREATE ROLE guarded LOGIN PASSWORD 'right'")
    rules.write_text(f"local all guarded scram-sha-256\n{before}")
    run_sql(servers, "SELECT pg_reload_conf()")
    yield servers.database_url.replace("bookstore@", "guarded:wrong@")
    rules.write_text(before)
    run_sql(servers, "SELECT pg_reload_conf()")
    run_sql(servers, "DROP ROLE guarded")


def told(run: Run, *arguments: str) -> str:
    """The one line on standard error of a command that is refused."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stderr.count("\n") == 1
    return str(result.stderr)


@pytest.mark.parametrize("arguments", [("demo",), ("create-admin", "ada", "ada@example.com"), ("migrate",)])
@pytest.mark.parametrize("url", [NOWHERE, "postgresql+asyncpg://nobody@/nothing?host=/nowhere"])
def test_postgresql_away(
    environment: pytest.MonkeyPatch, run: Run, arguments: tuple[str, ...], url: str
) -> None:
    environment.setenv("DATABASE_URL", url)
    environment.setenv("BOOKSTORE_ADMIN_PASSWORD", "Lovelace-1815!")

    line = told(run, *arguments)

    assert "PostgreSQL does not answer" in line
    assert "DATABASE_URL" in line


def test_a_wrong_password_an_unknown_login_and_an_unknown_database(
    environment: pytest.MonkeyPatch, run: Run, servers: Servers, guarded_url: str
) -> None:
    unknown = servers.database_url.replace("bookstore@", "stranger@")
    for url, reason in (
        (guarded_url, "password authentication failed"),
        (unknown, '"stranger" does not exist'),
        (servers.postgres.url("nowhere"), '"nowhere" does not exist'),
    ):
        environment.setenv("DATABASE_URL", url)
        for command in ("demo", "migrate"):
            line = told(run, command)
            assert reason in line
            assert "check DATABASE_URL" in line


def test_a_database_without_schema_asks_for_migration(
    servers: Servers, environment: pytest.MonkeyPatch, run: Run
) -> None:
    environment.setenv("DATABASE_URL", servers.database_url)

    line = told(run, "demo")

    assert "DATABASE_URL" in line
    assert "bookstore migrate" in line


def test_loading_does_without_redis(environment: pytest.MonkeyPatch, run: Run) -> None:
    environment.setenv("REDIS_URL", "redis://127.0.0.1:1/0")

    assert run("demo").exit_code == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://nobody@127.0.0.1/nothing"),
        ("DATABASE_URL", "postgresql://nobody@localhost:port/nothing"),
        ("REDIS_URL", "http://localhost:6379"),
        ("REDIS_URL", "redis://localhost:port/0"),
    ],
)
def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=f"{name}: must look like"):
        load_settings(jwt={"secret": "x" * 32})


def test_what_waits_for_servers_says_which_are_away(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("DATABASE_URL", NOWHERE)
    environment.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    environment.setenv("MAIL_URL", (tmp_path / "mail").as_uri())
    output = tmp_path / "output"
    with output.open("wb") as file:
        worker = subprocess.Popen(
            (sys.executable, "-m", "app.cli", "worker"), cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        )
    try:
        assert wait_until(lambda: "worker_loop_failed" in output.read_text(), timeout=60)
        postgresql, redis = output.read_text().splitlines()[:2]
        assert "PostgreSQL does not answer" in postgresql
        assert "check DATABASE_URL" in postgresql
        assert "Redis does not answer" in redis
        assert "check REDIS_URL" in redis
    finally:
        worker.kill()
        worker.wait()


def test_what_waits_for_servers_says_that_migrations_are_missing(
    environment: pytest.MonkeyPatch, servers: Servers, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DATABASE_URL", servers.database_url)

    warn_of_servers_away(load_settings())

    assert capsys.readouterr().err.startswith("bookstore: the database at DATABASE_URL lacks the schema")
