"""Where backups lie: a folder each, with its parts and, once it is whole, a manifest."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from pydantic import ValidationError

from app.core.settings.backups import BackupSettings
from app.core.storage.storage import FileMissing, Storage, StoredFile, make_storage
from app.ops.backups.errors import BackupDamaged, BackupMissing, BackupsOff
from app.ops.backups.manifest import Manifest, Part, is_name

_MANIFEST = "manifest.json"
_LEFTOVER_AFTER = timedelta(days=1)
"""Longer than a backup takes: what has no manifest by then was never finished."""
_log = structlog.get_logger(__name__)


class BackupTarget:
    """The place that BACKUP_URL names. Every method may raise StorageAway."""

    def __init__(self, settings: BackupSettings) -> None:
        if not settings.url:
            raise BackupsOff(
                "BACKUP_URL is not set: name a place for backups, file:///folder or s3://bucket/prefix."
            )
        self._folder = settings.folder
        self._store: Storage = make_storage(settings)

    async def put(self, backup: str, name: str, sealed: AsyncIterator[bytes]) -> Part:
        """Write a part as it comes; it is there whole or not at all."""
        measured = _Measured()
        await self._store.put_stream(f"{backup}/{name}", measured.through(sealed))
        return Part(name=name, size=measured.size, sha256=measured.sha256)

    async def stream(self, backup: Manifest, part: Part) -> AsyncGenerator[bytes, None]:
        """Yield a part as it lies there. Raises BackupDamaged, at the end, if it is not what the manifest says."""
        measured = _Measured()
        try:
            async for chunk in measured.through(self._store.stream(f"{backup.name}/{part.name}")):
                yield chunk
        except FileMissing:
            raise BackupDamaged(f"{backup.name}: {part.name} is missing.") from None
        if (measured.size, measured.sha256) != (part.size, part.sha256):
            raise BackupDamaged(
                f"{backup.name}: {part.name} is not what was written ({measured.size} bytes of {part.size})."
            )

    async def finish(self, backup: Manifest) -> None:
        """Make it count."""
        await self._store.put(f"{backup.name}/{_MANIFEST}", backup.model_dump_json(indent=2).encode())

    async def list(self) -> list[Manifest]:
        """Every whole backup, the newest first; one whose manifest cannot be read is logged and hides no other."""
        names = [name async for name, file in self._files() if file.name == f"{name}/{_MANIFEST}"]
        found = []
        for name in names:
            try:
                found.append(await self._read(name))
            except BackupDamaged:
                _log.warning("backup_unreadable", backup=name)
        return sorted(found, key=lambda one: one.snapshot_at, reverse=True)

    async def find(self, name: str) -> Manifest:
        """The backup of this name, or the newest. Raises BackupMissing."""
        if not name:
            if newest := (await self.list())[:1]:
                return newest[0]
            raise BackupMissing("There is no whole backup at BACKUP_URL.")
        try:
            if is_name(name):
                return await self._read(name)
            raise FileMissing(name)
        except FileMissing:
            raise BackupMissing(f"There is no whole backup {name!r} at BACKUP_URL.") from None

    async def delete(self, backup: Manifest) -> None:
        """Delete it, the manifest first, so that half of it is never taken for a backup."""
        parts = [part.name for part in (backup.database, backup.files) if part]
        await self._delete(backup.name, [f"{backup.name}/{name}" for name in (_MANIFEST, *parts)])

    async def discard(self, name: str) -> None:
        """Delete what was written of one that failed."""
        await self._delete(name, [file.name async for file in self._store.list(name)])

    async def sweep(self, now: datetime) -> int:
        """Delete what backups left that were never finished; how many files that were."""
        whole, parts = set(), []
        before = now - _LEFTOVER_AFTER
        async for name, file in self._files():
            if file.name.endswith(f"/{_MANIFEST}"):
                whole.add(name)
            elif file.modified_at < before:
                parts.append((name, file.name))
        left = [path for name, path in parts if name not in whole]
        await self._store.delete(left)
        return len(left) + await asyncio.to_thread(self._sweep_folder, before.timestamp())

    def _sweep_folder(self, before: float) -> int:
        """On a disk, the store hides files that were not written to their end, and leaves empty folders."""
        count = 0
        for place in self._folder.iterdir() if self._folder else ():
            if not is_name(place.name):
                continue
            for path in place.glob("*#*"):
                if path.stat().st_mtime < before:
                    path.unlink()
                    count += 1
            with suppress(OSError):
                place.rmdir()
        return count

    async def _delete(self, name: str, paths: Sequence[str]) -> None:
        await self._store.delete(paths)
        if self._folder:
            with suppress(OSError):
                (self._folder / name).rmdir()

    async def _files(self) -> AsyncGenerator[tuple[str, StoredFile], None]:
        async for file in self._store.list(""):
            name = file.name.partition("/")[0]
            if is_name(name):
                yield name, file

    async def _read(self, name: str) -> Manifest:
        content = await self._store.read(f"{name}/{_MANIFEST}")
        with suppress(ValidationError):
            found = Manifest.model_validate_json(content)
            if found.name == name:
                return found
        raise BackupDamaged(f"{name}: its manifest is none that this release can read.")


@dataclass(slots=True)
class _Measured:
    """Counts and hashes what passes."""

    size: int = 0
    _hash: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def through(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        async for chunk in chunks:
            self.size += len(chunk)
            self._hash.update(chunk)
            yield chunk
