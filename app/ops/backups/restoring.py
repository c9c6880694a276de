"""Brings a backup back: proven whole before anything is touched, files first, then the database in one transaction.

Files first, since one that no row names does no harm, and a row without its file does.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from app.core.db.engine import Database
from app.core.settings.settings import Settings
from app.core.storage.storage import Storage, make_storage
from app.ops.backups.age import is_secret, unseal
from app.ops.backups.errors import BackupDamaged, RestoreRefused, WrongKey
from app.ops.backups.manifest import Manifest, Part
from app.ops.backups.programs import Programs
from app.ops.backups.repository import is_empty, restoring
from app.ops.backups.tar import unpack
from app.ops.backups.target import BackupTarget
from app.ops.checks import knows_schema


class Restore:
    """One backup on its way back into the database and the store of files that the settings name."""

    def __init__(self, settings: Settings, backup: Manifest) -> None:
        self._settings = settings
        self._backup = backup
        self._target = BackupTarget(settings.backup)
        self._identity = settings.backup.age_key
        self._programs = Programs.build(settings)

    async def check(self) -> None:
        """Read all of it: checksums, seals, every statement, every file. Changes nothing.

        Raises WrongKey, BackupDamaged, ProgramFailed.
        """
        if not is_secret(self._identity):
            raise WrongKey(
                "BACKUP_KEY is a public key, which only seals: name the secret one, AGE-SECRET-KEY-1…."
            )
        dump = self._plain(self._backup.database)
        async with aclosing(dump), aclosing(self._programs.as_sql(dump)) as statements:
            async for _ in statements:
                pass
        await self._unpack(None)

    async def refuse_what_is_unsafe(self, database: Database, *, replaces: bool) -> None:
        """Go on only if this release knows the schema and the database is empty, or is to be replaced.

        Raises RestoreRefused.
        """
        heads = self._backup.schema_heads
        if not knows_schema(heads):
            raise RestoreRefused(
                f"The backup stands at migration {', '.join(heads)}, which this release does not know:"
                f" restore it with release {self._backup.release} or a newer one."
            )
        async with database.reading() as connection:
            if not replaces and not await is_empty(connection):
                raise RestoreRefused(
                    "The database is not empty: restore into an empty one, or replace what is there with --force."
                )

    async def run(self, *, replaces: bool) -> None:
        """Bring files and database back. Raises BackupError and StorageAway; then the database is as it was."""
        await self._unpack(make_storage(self._settings.storage))
        dump = self._plain(self._backup.database)
        async with aclosing(dump), aclosing(self._programs.as_sql(dump)) as statements:
            await self._programs.run_script(restoring(statements, self._backup.rows, replaces=replaces))

    async def _unpack(self, storage: Storage | None) -> None:
        if self._backup.files is None:
            return
        async with aclosing(self._plain(self._backup.files)) as archive:
            count = await unpack(archive, storage)
        if count != self._backup.file_count:
            raise BackupDamaged(f"{count} files instead of {self._backup.file_count} are in the archive.")

    def _plain(self, part: Part) -> AsyncGenerator[bytes, None]:
        return unseal(self._target.stream(self._backup, part), self._identity)
