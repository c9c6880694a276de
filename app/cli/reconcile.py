"""`bookstore reconcile`: whether what the shop knows agrees with itself, as after a restore.

Exit codes: 0 everything agrees, 1 something does not, 2 wrong usage.
"""

import asyncio
from collections.abc import Awaitable, Callable

import typer

from app import registry
from app.admin.audit.service import verify_chain
from app.catalog.documents import store as documents
from app.catalog.documents.queries import list_used_files
from app.catalog.goods.pictures import SIZES, picture_file
from app.catalog.pictures import store as pictures
from app.catalog.pictures.queries import list_used_pictures
from app.core.db.engine import Database
from app.core.events.outbox import read_backlog
from app.core.settings.settings import Settings, load_settings
from app.core.storage.storage import make_storage
from app.ops.checks import schema_fault
from app.ops.queries import list_revisions
from app.sales.inventory.queries import compare_all

Check = Callable[[Database, Settings], Awaitable[tuple[bool, str]]]


def reconcile() -> None:
    """Compare stock with its ledger, the audit log with its chain, the schema with this release, rows with their files.

    Exit code 1: something does not agree; its line says what.
    """
    if not asyncio.run(_report(load_settings())):
        raise typer.Exit(1)


async def _report(settings: Settings) -> bool:
    registry.load()
    database, is_sound = Database(settings.database), True
    try:
        for name, check in _CHECKS.items():
            agrees, told = await check(database, settings)
            typer.echo(f"{'ok' if agrees else 'FAIL':<4} {name:<14} {told}")
            is_sound = is_sound and agrees
    finally:
        await database.close()
    return is_sound


async def _schema(database: Database, _settings: Settings) -> tuple[bool, str]:
    found = await list_revisions(database.reading)
    fault = schema_fault(found)
    return fault is None, fault or f"at {', '.join(sorted(found))}"


async def _stock(database: Database, _settings: Settings) -> tuple[bool, str]:
    async with database.reading() as connection:
        result, _ = await compare_all(connection)
    return result.is_sound, f"{result.mismatches:,} of {result.items:,} items disagree with their ledger"


async def _audit(database: Database, _settings: Settings) -> tuple[bool, str]:
    verdict = await verify_chain(database.reading, None)
    broken = "" if verdict.valid else f", broken at entry {verdict.first_broken_id}"
    return verdict.valid, f"a chain of {verdict.checked:,} entries{broken}"


async def _outbox(database: Database, _settings: Settings) -> tuple[bool, str]:
    """Nothing to agree with: what waits is done by a worker, once one is started."""
    async with database.reading() as connection:
        backlog = await read_backlog(connection)
    return True, f"{backlog.pending:,} events wait for a worker, {backlog.dead_letters:,} were given up"


async def _files(database: Database, settings: Settings) -> tuple[bool, str]:
    async with database.read_sessions() as session:
        used = [
            f"{pictures.FOLDER}/{picture_file(name, size)}"
            for name in await list_used_pictures(session)
            for size in SIZES
        ]
        used += [f"{documents.FOLDER}/{file}" for file in await list_used_files(session)]
    storage = make_storage(settings.storage)
    stored = {file.name async for file in storage.list("")}
    missing = [path for path in used if path not in stored]
    named = f", such as {missing[0]}" if missing else ""
    return not missing, f"{len(missing):,} of {len(used):,} files that rows name are missing{named}"


_CHECKS: dict[str, Check] = {
    "schema": _schema,
    "stock ledger": _stock,
    "audit chain": _audit,
    "outbox": _outbox,
    "files": _files,
}
