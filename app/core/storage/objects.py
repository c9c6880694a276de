"""The store of files over obstore, for a local folder and for S3 alike; loaded by `storage.make_storage` alone."""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, S3Store

from app.core.redaction import fault_line
from app.core.settings.groups import StorageSettings
from app.core.storage.storage import FileMissing, StorageAway, StoredFile

_CHUNK = 5 * 1024 * 1024
"""The smallest part that S3 takes."""
_PARALLEL = 2
_READS = 4
"""Whole files at once: each takes its memory, and a thread of the library where the disk is local."""
_PIECE = 256 * 1024
"""The library would gather 10 MiB before it hands on anything."""
_CONNECT_TIMEOUT = "3s"
_RETRIES = 2


class ObjectStorage:
    """As the port says."""

    def __init__(self, settings: StorageSettings) -> None:
        self._folder = settings.folder
        self._place = settings.url or self._folder
        self._store = _open(settings)
        self._reading = asyncio.Semaphore(_READS)

    async def put(self, name: str, content: bytes) -> None:
        """Write the file in one request."""
        with self._translated_faults(name):
            await self._store.put_async(name, content, use_multipart=False)

    async def put_stream(self, name: str, chunks: AsyncIterator[bytes]) -> None:
        """Write the file in parts; they count once all are there."""
        source = _Source(chunks)
        with self._translated_faults(name):
            try:
                await self._store.put_async(
                    name, source, use_multipart=True, chunk_size=_CHUNK, max_concurrency=_PARALLEL
                )
            except BaseError:
                if source.fault is not None:
                    raise source.fault from None
                raise

    async def put_file(self, name: str, path: Path) -> None:
        """Write the file in parts read from disk."""
        with self._translated_faults(name):
            await self._store.put_async(name, path, chunk_size=_CHUNK, max_concurrency=_PARALLEL)

    async def read(self, name: str) -> bytes:
        """Read the whole file."""
        async with self._reading:
            with self._translated_faults(name):
                found = await self._store.get_async(name)
                return (await found.bytes_async()).to_bytes()

    async def stream(self, name: str) -> AsyncIterator[bytes]:
        """Yield the file in chunks."""
        with self._translated_faults(name):
            found = await self._store.get_async(name)
            async for chunk in found.stream(min_chunk_size=_PIECE):
                yield bytes(chunk)

    @asynccontextmanager
    async def local_file(self, name: str) -> AsyncIterator[Path]:
        """Copy what lies in a bucket in chunks, written where they arrive, since disks are faster than networks."""
        if self._folder is not None:
            path = self._folder / name
            if not path.is_file():
                raise FileMissing(name)
            yield path
            return
        with tempfile.TemporaryDirectory(prefix="storage-") as temporary:
            path = Path(temporary) / "copy"
            with path.open("wb") as copy:
                async for chunk in self.stream(name):
                    copy.write(chunk)
            yield path

    async def find(self, name: str) -> StoredFile | None:
        """Ask for the head alone."""
        try:
            with self._translated_faults(name):
                meta = await self._store.head_async(name)
        except FileMissing:
            return None
        return StoredFile(meta["path"], meta["size"], meta["last_modified"])

    async def delete(self, names: Sequence[str]) -> None:
        """Delete one after the other: S3 says nothing of a missing file, a folder does."""
        for name in names:
            try:
                with self._translated_faults(name):
                    await self._store.delete_async(name)
            except FileMissing:
                continue

    async def list(self, folder: str) -> AsyncIterator[StoredFile]:
        """List page by page."""
        with self._translated_faults(folder):
            async for page in self._store.list(folder, chunk_size=1000):
                for meta in page:
                    yield StoredFile(meta["path"], meta["size"], meta["last_modified"])

    @contextmanager
    def _translated_faults(self, name: str) -> Iterator[None]:
        try:
            yield
        except (NotFoundError, FileNotFoundError) as fault:
            raise FileMissing(name) from fault
        except BaseError as fault:
            raise StorageAway(
                f"the store of files {self._place} failed over {name!r}: {_told(fault)}"
            ) from fault


class _Source:
    """Chunks for the library, which distinguishes a fault of theirs from one of its own by its text alone."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.fault: Exception | None = None

    def __aiter__(self) -> "_Source":
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            raise
        except Exception as fault:
            self.fault = fault
            raise


def _told(fault: BaseError) -> str:
    """Its class, and the system's reason where there is one: nothing else of its text is safe to tell."""
    reason = re.search(r"\bOs \{\s+code: (\d+),", str(fault))
    return f"{fault_line(fault)}: {os.strerror(int(reason[1]))}" if reason else fault_line(fault)


def _open(settings: StorageSettings) -> ObjectStore:
    folder = settings.folder
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        return LocalStore(folder)
    options = {
        "endpoint": settings.endpoint,
        "region": settings.region,
        "access_key_id": settings.access_key,
        "secret_access_key": settings.secret_key.get_secret_value() if settings.secret_key else None,
    }
    return S3Store.from_url(
        settings.url,
        # What is not set here comes from obstore's own sources: AWS_* variables, the machine's role.
        config={name: value for name, value in options.items() if value},  # type: ignore[arg-type]  # a subset of its keys
        client_options={
            "connect_timeout": _CONNECT_TIMEOUT,
            "timeout": f"{settings.timeout}s",
            "allow_http": settings.endpoint.startswith("http://"),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=settings.timeout)},
    )
