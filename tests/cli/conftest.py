"""A command line on a database of the test's own."""

import logging
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import cli
from devstack import Servers
from tests.conftest import JWT_SECRET, PUBLIC_URL

Run = Callable[..., Result]


@pytest.fixture
def environment(
    servers: Servers, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """The variables of a developer's machine, on an empty database."""
    monkeypatch.setenv("ENVIRONMENT", "development")
    monkeypatch.setenv("DATABASE_URL", empty_database_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    monkeypatch.setenv("JWT_SECRET", JWT_SECRET)
    monkeypatch.setenv("PUBLIC_URL", PUBLIC_URL)
    return monkeypatch


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs `bookstore …` in this process; `typed` is what is typed."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level

    def invoke(*arguments: str, typed: str | None = None, **variables: str) -> Result:
        return CliRunner().invoke(cli, arguments, input=typed, env=variables, prog_name="bookstore")

    yield invoke
    # A command that builds the application sends logs to the runner's standard output, which is closed by now.
    root.handlers = handlers
    root.setLevel(level)
