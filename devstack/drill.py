"""`make restore-drill`: a backup is brought back on servers of its own, proven, and timed.

Where BACKUP_URL is set (with the secret BACKUP_KEY), the newest backup there is taken. Else a demo shop is made and
backed up first. Nothing of the shop itself is touched, and no worker runs, so nobody is mailed.
"""

import asyncio
import http.client
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.table import Table

from app.cli.dev import ROOT
from app.cli.errors import faults_reported
from app.cli.output import show
from app.core.clock import utc_now
from app.core.settings.settings import load_settings
from app.ops.backups.age import new_key
from app.ops.backups.manifest import Manifest
from app.ops.backups.target import BackupTarget
from devstack.errors import DevStackError, remedy
from devstack.process import Process, wait_until
from devstack.throwaway import Servers, throwaway_servers

_READY_WITHIN = 120.0
Variables = dict[str, str]


def restore_drill() -> None:
    """Bring a backup back on servers of its own, prove it, and print RPO and RTO.

    Exit code 1: a step failed; what it said stands above.
    """
    with faults_reported(remedy), TemporaryDirectory(prefix="bookstore-drill-") as folder:
        place = _given_place() or _demo_backup(Path(folder))
        backup = _newest(place)
        typer.echo(f"\nThe shop is lost. What is left: {backup.name}, release {backup.release}.")
        age = (utc_now() - backup.snapshot_at).total_seconds()
        with throwaway_servers() as servers:
            seconds = _recover(_variables(servers, Path(folder) / "restored") | place)
        _tell(backup, age, seconds)


def _given_place() -> Variables:
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("BACKUP_") and os.environ.get("BACKUP_URL")
    }


def _demo_backup(folder: Path) -> Variables:
    """A demo shop that sold something, and its backup; the shop is gone afterwards."""
    place = {"BACKUP_URL": (folder / "backups").as_uri(), "BACKUP_KEY": new_key()[1]}
    with throwaway_servers() as servers:
        variables = _variables(servers, folder / "files") | place
        _bookstore(variables, "migrate")
        _bookstore(variables, "demo")
        with _serving(variables) as url:
            _bookstore(variables, "smoke", url, "--buy")
        _bookstore(variables, "backup")
    return place


def _newest(place: Mapping[str, str]) -> Manifest:
    fields = {name.removeprefix("BACKUP_").lower(): value for name, value in place.items()}
    settings = load_settings(jwt={"secret": secrets.token_hex(32)}, environment="development", backup=fields)
    return asyncio.run(BackupTarget(settings.backup).find(""))


def _recover(variables: Variables) -> dict[str, float]:
    """Every step from empty servers to a shop that sells; how many seconds each took."""
    seconds = {}
    for step in ("restore", "migrate", "reconcile"):
        started = time.monotonic()
        _bookstore(variables, step)
        seconds[step] = time.monotonic() - started
    started = time.monotonic()
    with _serving(variables) as url:
        seconds["start"] = time.monotonic() - started
        started = time.monotonic()
        _bookstore(variables, "smoke", url, "--buy")
        seconds["smoke test"] = time.monotonic() - started
    return seconds


def _variables(servers: Servers, files: Path) -> Variables:
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return kept | {
        "DOTENV": "",
        "ENVIRONMENT": "development",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "STORAGE_URL": files.as_uri(),
        "JWT_SECRET": secrets.token_hex(32),
        "LOG_LEVEL": "WARNING",
    }


def _bookstore(variables: Variables, *arguments: str) -> None:
    typer.echo(f"\n$ bookstore {' '.join(arguments)}")
    command = (sys.executable, "-m", "app.cli", *arguments)
    if subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode:  # noqa: S603 - our own program
        raise DevStackError(f"'bookstore {arguments[0]}' failed; see above.")


@contextmanager
def _serving(variables: Variables) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = ("uvicorn", "app.main:app", "--host", "127.0.0.1", "--port", str(port), "--log-level", "warning")
    process = Process((sys.executable, "-m", *server), env=variables, cwd=ROOT)
    process.start()
    try:
        wait_until(lambda: not process.is_running or _is_ready(port), timeout=_READY_WITHIN)
        if not _is_ready(port):
            raise DevStackError("The API does not start; see above.")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.stop()


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _tell(backup: Manifest, age: float, seconds: Mapping[str, float]) -> None:
    table = Table("Step", "Seconds", title="The drill", title_justify="left")
    for step, took in seconds.items():
        table.add_row(step, f"{took:.1f}")
    rows, files = sum(backup.rows.values()), backup.file_count
    show(
        "",
        table,
        f"RPO: {age:.0f} s, the age of the backup: what was written since is lost ({rows:,} rows and {files:,} files are back)."
        " At worst it is BACKUP_EVERY and the time that a backup takes.",
        f"RTO: {sum(seconds.values()):.0f} s from empty servers to a shop that sells.",
    )
