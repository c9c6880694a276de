"""`bookstore backup`, `backups` and `restore`.

Exit codes: 0 done, 1 refused or failed (the message says what to do), 2 wrong usage.
"""

import asyncio
import time
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.table import Table

from app.cli.admin import unit_of_work
from app.cli.output import show
from app.core.cache.hot import invalidate
from app.core.cache.local import EVERYTHING
from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.settings.settings import Settings, load_settings
from app.ops.backups.making import make_backup
from app.ops.backups.manifest import Manifest
from app.ops.backups.restoring import Restore
from app.ops.backups.target import BackupTarget

_MIB = 1024 * 1024


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(backup)
    cli.command()(backups)
    cli.command()(restore)


def backup() -> None:
    """Copy database and files to BACKUP_URL, encrypted for BACKUP_KEY; delete backups that are no longer kept.

    Exit code 1: no place or key is set, another backup is being made, or a server or the place is away or full.
    """
    settings, started = load_settings(), time.monotonic()

    async def make() -> Manifest:
        database = Database(settings.database)
        try:
            return await make_backup(settings, database.sessions.begin)
        finally:
            await database.close()

    made = asyncio.run(make())
    typer.echo(
        f"{made.name}: {sum(made.rows.values()):,} rows of {len(made.rows)} tables and {made.file_count:,} files,"
        f" {made.size / _MIB:,.1f} MiB, in {time.monotonic() - started:.1f} s."
    )


def backups() -> None:
    """List what lies at BACKUP_URL, the newest first.

    Exit code 1: no place is set, or it is away.
    """
    settings = load_settings()
    found = asyncio.run(BackupTarget(settings.backup).list())
    table = Table("Backup", "Age (hours)", "MiB", "Rows", "Files", "Release", "Schema")
    for one in found:
        hours = (utc_now() - one.snapshot_at).total_seconds() / 3600
        sizes = (
            f"{hours:,.1f}",
            f"{one.size / _MIB:,.1f}",
            f"{sum(one.rows.values()):,}",
            f"{one.file_count:,}",
        )
        table.add_row(one.name, *sizes, one.release, ", ".join(one.schema_heads))
    show(table)


def restore(
    name: Annotated[str, typer.Argument(help="The backup's name, as `bookstore backups` lists it.")] = "",
    replaces: Annotated[
        bool, typer.Option("--force", help="Replace what the database holds; without, it must be empty.")
    ] = False,
    only_checks: Annotated[
        bool, typer.Option("--check", help="Read the whole backup and change nothing.")
    ] = False,
) -> None:
    """Bring a backup back, the newest unless one is named, into DATABASE_URL (as DATABASE_OWNER_URL,
    where that is set) and STORAGE_URL.

    It is read whole and proven before anything is touched; the database is written in one transaction, which
    ends with every table having the rows that were counted. Run `bookstore migrate` afterwards.

    Exit code 1: it is damaged, the key is wrong, the database is not empty or the backup of a newer release.
    """
    settings, started = _as_owner(load_settings()), time.monotonic()
    found = asyncio.run(_restore(settings, name, replaces=replaces, only_checks=only_checks))
    seconds = time.monotonic() - started
    if only_checks:
        typer.echo(f"{found.name} is whole: read and proven in {seconds:.1f} s.")
        return
    typer.echo(f"{found.name} is back as of {found.snapshot_at:%Y-%m-%d %H:%M:%S} UTC, in {seconds:.1f} s.")
    typer.echo("Run `bookstore migrate`, then start API and worker.")


def _as_owner(settings: Settings) -> Settings:
    """Tables are made by whoever migrates; on a new server the application's role is not there yet."""
    owner = settings.database.model_copy(update={"url": SecretStr(settings.database.migrating_url)})
    return settings.model_copy(update={"database": owner})


async def _restore(settings: Settings, name: str, *, replaces: bool, only_checks: bool) -> Manifest:
    found = await BackupTarget(settings.backup).find(name)
    run = Restore(settings, found)
    if only_checks:
        await run.check()
        return found
    database = Database(settings.database)
    try:
        await run.refuse_what_is_unsafe(database, replaces=replaces)
        await run.check()
        await run.run(replaces=replaces)
    finally:
        await database.close()
    # Workers that still run have kept what is no longer so.
    async with unit_of_work(settings) as session:
        invalidate(session, EVERYTHING)
    return found
