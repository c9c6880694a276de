"""The release before, on the schema of this one: what runs while `bookstore migrate` has already been."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli.main import cli
from app.core.db.transaction import transaction
from app.core.settings.settings import Settings
from app.demo.loader import load_demo
from devstack import Servers
from devstack.process import wait_until
from tests.conftest import JWT_SECRET, ROOT, running_app, settings_for
from tests.ports import free_port

COMMIT = tomllib.loads((ROOT / "alembic" / "previous_release.toml").read_text())["commit"]


@pytest.fixture(scope="module")
def previous_code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the release before, by the history of this checkout."""
    archive = subprocess.run(  # noqa: S603 (a commit of ours)
        ("git", "-C", str(ROOT), "archive", COMMIT, "app", "alembic"),  # noqa: S607 (whichever git there is)
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        said = f"no commit {COMMIT} here: {archive.stderr.decode().strip()}"
        if os.environ.get("MIGRATION_SMOKE") == "required":
            pytest.fail(f"{said}, and MIGRATION_SMOKE=required asks for it")
        # A checkout without history, such as an archive, cannot know it; where history is meant to be, the line above fails.
        pytest.skip(f"{said}; this test needs a checkout with its history")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def filled_settings(servers: Servers, empty_database_url: str) -> Settings:
    """A shop with the demo's books, loaded by this release."""
    settings = settings_for(servers, empty_database_url, environment="development")

    async def fill() -> None:
        async with (
            running_app(settings) as app,
            transaction(app.state.database, app.state.cache) as session,
        ):
            await load_demo(session, settings, lambda *_: None)

    asyncio.run(fill())
    return settings


@pytest.fixture
def previous_release(
    previous_code: Path, filled_settings: Settings, servers: Servers, tmp_path: Path
) -> Iterator[str]:
    """The address of a server of the release before."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DOTENV": "",
        "ENVIRONMENT": "development",
        "DATABASE_URL": filled_settings.database.url.get_secret_value(),
        "REDIS_URL": servers.redis_url,
        "JWT_SECRET": JWT_SECRET,
        "STORAGE_URL": servers.files.as_uri(),
        "RATE_LIMIT_FACTOR": "100",
    }
    output = tmp_path / "output"
    with output.open("wb") as file:
        server = subprocess.Popen(  # noqa: S603 (our own program)
            (sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port), "--log-level", "warning"),
            cwd=previous_code,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        assert wait_until(lambda: is_open(port), timeout=120), output.read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_the_release_before_serves_and_sells_on_the_newest_schema(previous_release: str) -> None:
    result = CliRunner().invoke(cli, ("smoke", previous_release, "--buy", "--timeout", "60"))
    assert result.exit_code == 0, result.output
    assert "FAIL" not in result.output
