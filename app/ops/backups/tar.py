"""A tar archive of a store of files, written and read as a stream: any tar opens it once it is decrypted."""

import tarfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.core.storage.storage import FileMissing, Storage, StoredFile
from app.ops.backups.errors import BackupDamaged

_BLOCK = 512
_SMALL = 1024 * 1024
_END = bytes(2 * _BLOCK)


@dataclass(slots=True)
class TarWriter:
    """Packs what a store holds; `count` says how many files that were, once the stream has ended."""

    storage: Storage
    count: int = 0

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """Yield the archive. A file that is deleted meanwhile is left out. Raises BackupDamaged if one changes."""
        async for file in self.storage.list(""):
            if file.size <= _SMALL:
                try:
                    content = await self.storage.read(file.name)
                except FileMissing:
                    continue
                yield _header(file.name, len(content), file) + content + _padding(len(content))
            else:
                async with aclosing(self._long_file(file)) as pieces:
                    async for piece in pieces:
                        yield piece
            self.count += 1
        yield _END

    async def _long_file(self, file: StoredFile) -> AsyncGenerator[bytes, None]:
        left = file.size
        yield _header(file.name, file.size, file)
        # Its size is announced already, so it must not go away or grow any more: what is stored is never rewritten.
        async for chunk in self.storage.stream(file.name):
            left -= len(chunk)
            yield chunk
        if left:
            raise BackupDamaged(f"The file {file.name!r} changed while it was read: make the backup again.")
        yield _padding(file.size)


async def unpack(archive: AsyncIterator[bytes], storage: Storage | None) -> int:
    """Put every file of the archive into the store, or only read it all without one; how many there are.

    Raises BackupDamaged.
    """
    source = _Exactly(archive)
    count = 0
    while (header := await source.read(_BLOCK)) != bytes(_BLOCK):
        name, size = await _read_header(header, source)
        if storage is None:
            async for _ in source.stream(size):
                pass
        elif size <= _SMALL:
            await storage.put(name, await source.read(size))
        else:
            await storage.put_stream(name, source.stream(size))
        await source.read(-size % _BLOCK)
        count += 1
    await source.drain()
    return count


class _Exactly:
    """Reads as many bytes as it is told to, of chunks of whatever size."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._unread = b""

    async def read(self, size: int) -> bytes:
        return b"".join([piece async for piece in self.stream(size)])

    async def stream(self, size: int) -> AsyncIterator[bytes]:
        while size > 0:
            if not self._unread:
                try:
                    self._unread = await anext(self._chunks)
                except StopAsyncIteration:
                    raise BackupDamaged("The archive of files ends in the middle.") from None
            piece, self._unread = self._unread[:size], self._unread[size:]
            size -= len(piece)
            yield piece

    async def drain(self) -> None:
        """Read to the end, where a seal that was cut off is found out."""
        async for _ in self._chunks:
            pass


def _header(name: str, size: int, file: StoredFile) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, int(file.modified_at.timestamp())
    info.mode = 0o644
    return info.tobuf(tarfile.PAX_FORMAT)


def _padding(size: int) -> bytes:
    return bytes(-size % _BLOCK)


async def _read_header(header: bytes, source: _Exactly) -> tuple[str, int]:
    """Name and size of the next file; a long name stands in a block of its own before it."""
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        if info.type == tarfile.XHDTYPE:
            records = await source.read(info.size)
            await source.read(-info.size % _BLOCK)
            fields = _pax_fields(records)
            info = tarfile.TarInfo.frombuf(await source.read(_BLOCK), "utf-8", "strict")
            info.name = fields.get("path", info.name)
            info.size = int(fields.get("size", info.size))
    except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as fault:
        raise BackupDamaged(f"The archive of files cannot be read ({fault}).") from None
    path = PurePosixPath(info.name)
    if not info.isreg() or path.is_absolute() or ".." in path.parts:
        raise BackupDamaged(f"The archive of files has an entry that is no file of a shop: {info.name!r}.")
    return info.name, info.size


def _pax_fields(records: bytes) -> dict[str, str]:
    """The fields of `LENGTH KEY=VALUE` lines."""
    fields: dict[str, str] = {}
    while records:
        length = int(records.partition(b" ")[0])
        name, _, value = records[:length].partition(b" ")[2].rstrip(b"\n").decode().partition("=")
        fields[name] = value
        records = records[length:]
    return fields
