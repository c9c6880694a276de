"""Makes a backup: the database as one snapshot, then the files.

In this order, since a file is stored before the row that names it is committed: every file that the snapshot names
was there when it was taken, and nothing deletes files while the lock is held. The other way round, a row could name
a file that was stored after the files were copied.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import structlog

from app import __version__
from app.core.clock import utc_now
from app.core.settings.settings import Settings
from app.core.storage.storage import Storage, StorageAway, make_storage
from app.ops.backups.age import public_key, seal
from app.ops.backups.manifest import Manifest, Part, new_name
from app.ops.backups.programs import Programs
from app.ops.backups.repository import Snapshot, Transaction, alone, record, snapshot
from app.ops.backups.rotation import expired
from app.ops.backups.tar import TarWriter
from app.ops.backups.target import BackupTarget

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Copies:
    """What was written of one snapshot."""

    snapshot: Snapshot
    schema_heads: tuple[str, ...]
    rows: dict[str, int]
    database: Part


async def make_backup(settings: Settings, transaction: Transaction) -> Manifest:
    """Make one, let it count once all of it is there, and delete those that are no longer kept.

    Raises BackupError and StorageAway; then there is no new backup, and the ones before are as they were.
    """
    target = BackupTarget(settings.backup)
    async with alone(transaction) as session:
        # Before there is another one, for which a full disk may need the room.
        if left := await target.sweep(utc_now()):
            _log.info("backup_leftovers_deleted", files=left)
        backup = await _write(settings, transaction, target)
        await record(session, backup)
        rows, files = sum(backup.rows.values()), backup.file_count
        _log.info("backup_made", backup=backup.name, size=backup.size, rows=rows, files=files)
        await _rotate(target, settings, backup)
    return backup


async def _write(settings: Settings, transaction: Transaction, target: BackupTarget) -> Manifest:
    """Write all of one, or nothing."""
    name, recipient = new_name(utc_now()), public_key(settings.backup.age_key)
    try:
        copies = await _copy_database(settings, transaction, target, name)
        files, count = await _copy_files(settings, target, name) if settings.backup.files else (None, 0)
        backup = Manifest(
            name=name,
            release=__version__,
            schema_heads=copies.schema_heads,
            postgresql=copies.snapshot.server_version,
            snapshot_at=copies.snapshot.taken_at,
            finished_at=utc_now(),
            recipient=recipient,
            database=copies.database,
            files=files,
            file_count=count,
            rows=copies.rows,
        )
        await target.finish(backup)
    except Exception:
        with suppress(StorageAway):
            await target.discard(name)
        raise
    return backup


async def _copy_database(
    settings: Settings, transaction: Transaction, target: BackupTarget, name: str
) -> _Copies:
    programs = Programs.build(settings)
    async with snapshot(transaction) as seen:
        heads = await seen.schema_heads()
        part = await _put_sealed(settings, target, f"{name}/database.dump.age", programs.dump(seen.key))
        return _Copies(seen, heads, dict(await seen.count_rows()), part)


async def _copy_files(settings: Settings, target: BackupTarget, name: str) -> tuple[Part, int]:
    storage: Storage = make_storage(settings.storage)
    files = TarWriter(storage)
    part = await _put_sealed(settings, target, f"{name}/files.tar.age", files.stream())
    return part, files.count


async def _put_sealed(
    settings: Settings, target: BackupTarget, path: str, plain: AsyncGenerator[bytes, None]
) -> Part:
    backup, _, name = path.partition("/")
    recipient = public_key(settings.backup.age_key)
    # Closed here, whatever happens: a dump that nobody reads would keep its transaction open.
    async with aclosing(plain), aclosing(seal(plain, recipient)) as sealed:
        return await target.put(backup, name, sealed)


async def _rotate(target: BackupTarget, settings: Settings, made: Manifest) -> None:
    # Those that a clock dated ahead wait until it comes round to them: they would push out the one just made.
    dated = [one for one in await target.list() if one.snapshot_at <= made.snapshot_at]
    for old in expired(dated, settings.backup):
        await target.delete(old)
        _log.info("backup_expired", backup=old.name)
