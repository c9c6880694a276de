"""`make restore-drill`: a backup, and then a moment of PostgreSQL's log, are brought back on servers of their own,
proven, and timed.

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
from app.core.settings.settings import SettingsError, load_settings
from app.ops.backups.age import new_key
from app.ops.backups.errors import BackupError
from app.ops.backups.manifest import Manifest
from app.ops.backups.target import BackupTarget
from devstack.account import passage
from devstack.archive import Archive
from devstack.errors import DevStackError, remedy
from devstack.postgres import Postgres
from devstack.process import Process, tail, wait_until
from devstack.throwaway import Servers, throwaway_servers

_READY_WITHIN = 120.0
_NOW = "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
Variables = dict[str, str]
Seconds = dict[str, float]


def restore_drill() -> None:
    """Bring a backup and a moment back on servers of their own, prove it, and print RPO and RTO.

    Exit code 1: a step failed; what it said stands above.
    """
    with faults_reported(_remedy), TemporaryDirectory(prefix="bookstore-drill-") as folder:
        place = _given_place() or _demo_backup(Path(folder))
        backup = _newest(place)
        typer.echo(f"\nThe shop is lost. What is left: {backup.name}, release {backup.release}.")
        age = (utc_now() - backup.snapshot_at).total_seconds()
        with throwaway_servers() as servers:
            variables = _variables(servers, Path(folder) / "restored") | place
            from_dump = _recover(variables)
            from_log = _recover_moment(servers, variables)
        _tell(backup, age, from_dump, from_log)


def _remedy(fault: Exception) -> str | None:
    return str(fault) if isinstance(fault, SettingsError | BackupError) else remedy(fault)


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


def _recover(variables: Variables) -> Seconds:
    """Every step from empty servers to a shop that sells; how many seconds each took."""
    return _timed_commands(variables, "restore", "migrate", "reconcile") | _sell(variables)


def _recover_moment(servers: Servers, variables: Variables) -> Seconds:
    """Every step from a mistake in the shop, whose log is archived, to a shop that sells and never made it.

    What was written just before the moment must be there, and what was written after it must not.
    """
    shop, archive = servers.postgres, Archive(passage(servers.files))
    shop.stop()
    shop.settings += archive.settings
    shop.start()
    typer.echo("\n$ wal base")
    typer.echo(archive.run(shop, "wal", "base").rstrip())
    moment = _ask(archive, shop, "CREATE TABLE drill AS SELECT 'before' AS written", _NOW)
    _ask(archive, shop, "INSERT INTO drill VALUES ('after')")
    shop.stop()

    typer.echo(f"\n$ wal recover {moment}")
    started = time.monotonic()
    try:
        recovered = archive.recover(moment)
        _wait_for(archive, recovered, "SELECT pg_is_wal_replay_paused()")
        found = _ask(archive, recovered, "SELECT string_agg(written, ' ') FROM drill")
        if found != "before":
            raise DevStackError(f"Of what was written before and after {moment} this is there: {found!r}.")
        _ask(archive, recovered, "SELECT pg_wal_replay_resume()")
        _wait_for(archive, recovered, "SELECT NOT pg_is_in_recovery()")
        _ask(archive, recovered, "DROP TABLE drill")
        seconds = {"recover": time.monotonic() - started}
        variables = variables | {"DATABASE_URL": recovered.url()}
        return seconds | _timed_commands(variables, "reconcile") | _sell(variables)
    finally:
        for server in archive.servers:
            server.stop(immediate=True)


def _ask(archive: Archive, server: Postgres, *statements: str) -> str:
    """The last one's value."""
    commands = [part for statement in statements for part in ("-c", statement)]
    return archive.run(server, "psql", "--no-psqlrc", "-Atq", *commands).strip()


def _wait_for(archive: Archive, server: Postgres, question: str) -> None:
    if not wait_until(lambda: _ask(archive, server, question) == "t", timeout=_READY_WITHIN):
        raise DevStackError(f"The server does not get there. The end of {server.log}:\n{tail(server.log)}")


def _timed_commands(variables: Variables, *commands: str) -> Seconds:
    seconds = {}
    for command in commands:
        started = time.monotonic()
        _bookstore(variables, command)
        seconds[command] = time.monotonic() - started
    return seconds


def _sell(variables: Variables) -> Seconds:
    """Start the API and buy a book."""
    started = time.monotonic()
    with _serving(variables) as url:
        seconds = {"start": time.monotonic() - started}
        started = time.monotonic()
        _bookstore(variables, "smoke", url, "--buy")
        return seconds | {"smoke test": time.monotonic() - started}


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


def _tell(backup: Manifest, age: float, from_dump: Seconds, from_log: Seconds) -> None:
    rows, files = sum(backup.rows.values()), backup.file_count
    show(
        "",
        _table("From the backup", from_dump),
        f"RPO: {age:.0f} s, the age of the backup: what was written since is lost ({rows:,} rows and {files:,} files are back)."
        " At worst it is BACKUP_EVERY and the time that a backup takes.",
        f"RTO: {sum(from_dump.values()):.0f} s from empty servers to a shop that sells.",
        "",
        _table("From the log, to a moment", from_log),
        "RPO: 0 s, what was written before the moment is there, what was written after it is not."
        " Where the machine is lost, its last minute is (archive_timeout).",
        f"RTO: {sum(from_log.values()):.0f} s from the mistake to a shop that sells.",
    )


def _table(title: str, seconds: Seconds) -> Table:
    table = Table("Step", "Seconds", title=title, title_justify="left")
    for step, took in seconds.items():
        table.add_row(step, f"{took:.1f}")
    return table
