"""The store of files: one port, and behind it a folder of this machine or an S3 bucket.

A name is a relative path such as `covers/3f8a-s.webp`. A file appears whole or not at all.
Nobody waits for the store inside a transaction.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from app.core.settings.groups import StorageSettings


class FileMissing(Exception):
    """There is no file of this name in the store."""


class StorageAway(ConnectionError):
    """The store cannot be reached, or refuses us, or its disk is full: answered by 503."""

    is_log_safe = True


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the store knows of a file."""

    name: str
    size: int
    modified_at: datetime


class Storage(Protocol):
    """Where files lie. Every method may raise StorageAway."""

    async def put(self, name: str, content: bytes) -> None:
        """Write the file, in place of one of the same name."""

    async def put_stream(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """As `put`, a few MiB in memory at a time; what `chunks` raises is passed on, and there is no file."""

    async def put_file(self, name: str, path: Path) -> None:
        """As `put`, from a local file of any size."""

    async def read(self, name: str) -> bytes:
        """Read the whole file. Raises FileMissing."""

    def stream(self, name: str) -> AsyncIterator[bytes]:
        """Yield the file in chunks. Raises FileMissing, before the first one."""

    def local_file(self, name: str) -> AbstractAsyncContextManager[Path]:
        """Give the file a path on this machine: where it lies, else of a copy that is deleted afterwards.

        Raises FileMissing.
        """

    async def find(self, name: str) -> StoredFile | None:
        """Find size and age of the file, if there is one."""

    async def delete(self, names: Sequence[str]) -> None:
        """Delete the files; one that is not there is no fault."""

    def list(self, folder: str) -> AsyncIterator[StoredFile]:
        """Yield every file below the folder, in no order."""


class StorageHolder:
    """Opens the store on its first use: what it is made of costs 7 MiB, which most processes save."""

    def __init__(self, settings: StorageSettings) -> None:
        self._settings = settings

    @cached_property
    def opened(self) -> Storage:
        """The store that `STORAGE_URL` names."""
        return make_storage(self._settings)


def make_storage(settings: StorageSettings) -> Storage:
    """Open the store that `STORAGE_URL` names; its library is loaded here and not before."""
    module = import_module("app.core.storage.objects")
    return cast("Storage", module.ObjectStorage(settings))
