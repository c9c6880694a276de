"""Streams sealed and opened in the age format (age-encryption.org/v1), a few chunks in memory at a time.

The library works on files and blocks, so it runs in a thread; what it reads and writes are the two ends of this bridge.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from concurrent.futures import Future
from contextlib import aclosing
from typing import Any, TypeVar

import pyrage

from app.ops.backups.errors import BackupDamaged, WrongKey

T = TypeVar("T")
_PIECE = 1024 * 1024
_AHEAD = 4
"""Pieces that may wait for whoever reads."""
_MISTYPED = "BACKUP_KEY was mistyped or cut: its last six characters are a checksum, which does not fit."


class _Bridge:
    """A file to read from and to write to, in a thread, between two streams of the event loop."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self.fault: Exception | None = None
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._written: asyncio.Queue[bytes] = asyncio.Queue(_AHEAD)
        self._unread = memoryview(b"")
        self._gathered = bytearray()
        self._guard = threading.Lock()
        self._pending: Future[Any] | None = None
        self._task: asyncio.Task[Any] | None = None
        self._is_stopped = False

    def read(self, size: int = -1) -> bytes:
        """What comes next of the source, at most so much; nothing at its end."""
        while not self._unread:
            try:
                chunk = self._await(self._next())
            except Exception as fault:
                # The library would pass on its text alone.
                self.fault = fault
                raise
            if chunk is None:
                return b""
            self._unread = memoryview(chunk)
        taken = self._unread if size < 0 else self._unread[:size]
        self._unread = self._unread[len(taken) :]
        return bytes(taken)

    def write(self, content: bytes) -> int:
        """Pass on, in pieces: each costs a change of threads."""
        self._gathered += content
        if len(self._gathered) >= _PIECE:
            self._pass_on()
        return len(content)

    def flush(self) -> None:
        """Nothing: the last piece is passed on when the work is done."""

    def run(self, work: Callable[["_Bridge", "_Bridge"], None]) -> None:
        """Do the work, in the thread; the end is passed on whatever happened."""
        try:
            work(self, self)
            if self._gathered:
                self._pass_on()
        finally:
            # An empty piece is the end. What was gathered before a fault is nobody's.
            self._gathered = bytearray()
            self._pass_on()

    async def take(self) -> bytes:
        """What was written, piece by piece; nothing at the end."""
        return await self._written.get()

    async def stop(self, thread: "asyncio.Task[None]") -> None:
        """Nobody reads any more: whatever the thread waits for or asks next fails, and the source can be closed."""
        with self._guard:
            self._is_stopped = True
            if self._pending is not None:
                self._pending.cancel()
        await asyncio.wait({thread})
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _next(self) -> bytes | None:
        return await anext(self._source, None)

    def _pass_on(self) -> None:
        piece, self._gathered = bytes(self._gathered), bytearray()
        self._await(self._written.put(piece))

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        with self._guard:
            if self._is_stopped:
                work.close()
                raise BrokenPipeError
            pending = asyncio.run_coroutine_threadsafe(self._track(work), self._loop)
            self._pending = pending
        return pending.result()

    async def _track(self, work: Coroutine[Any, Any, T]) -> T:
        self._task = asyncio.current_task()
        return await work


async def seal(plain: AsyncIterator[bytes], recipient: str) -> AsyncGenerator[bytes, None]:
    """Encrypt for whoever has the secret of this public key, `age1…`. Raises WrongKey."""
    sealed_for = [_recipient(recipient)]
    async with aclosing(
        _through(plain, lambda source, sink: pyrage.encrypt_io(source, sink, sealed_for))
    ) as sealed:
        async for piece in sealed:
            yield piece


async def unseal(sealed: AsyncIterator[bytes], identity: str) -> AsyncGenerator[bytes, None]:
    """Decrypt with a secret key, `AGE-SECRET-KEY-1…`. Each piece is proven before it is passed on.

    Raises WrongKey, or BackupDamaged, at the end at the latest if it is cut.
    """
    opened_by = [_identity(identity)]
    async with aclosing(
        _through(sealed, lambda source, sink: pyrage.decrypt_io(source, sink, opened_by))
    ) as plain:
        try:
            async for piece in plain:
                yield piece
        except pyrage.DecryptError as fault:
            if "No matching keys" in str(fault):
                raise WrongKey("BACKUP_KEY does not open this backup: it was made for another key.") from None
            raise BackupDamaged(f"It cannot be decrypted ({fault}).") from None
        except OSError as fault:
            raise BackupDamaged(f"It is cut or changed ({fault}).") from None


def public_key(key: str) -> str:
    """The public half, `age1…`, of a key that may be either half. Raises WrongKey."""
    return str(_identity(key).to_public() if is_secret(key) else _recipient(key))


def _identity(key: str) -> pyrage.x25519.Identity:
    try:
        return pyrage.x25519.Identity.from_str(key)
    except pyrage.IdentityError:
        raise WrongKey(_MISTYPED) from None


def _recipient(key: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(key)
    except pyrage.RecipientError:
        raise WrongKey(_MISTYPED) from None


def is_secret(key: str) -> bool:
    """Whether it opens, and not only seals."""
    return key.startswith("AGE-SECRET-KEY-")


def new_key() -> tuple[str, str]:
    """A new pair: the public key and the secret one."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity.to_public()), str(identity)


async def _through(
    source: AsyncIterator[bytes], work: Callable[[Any, Any], None]
) -> AsyncGenerator[bytes, None]:
    bridge = _Bridge(source)
    thread = asyncio.create_task(asyncio.to_thread(bridge.run, work))
    try:
        while piece := await bridge.take():
            yield piece
        try:
            await thread
        except Exception:
            if bridge.fault is not None:
                raise bridge.fault from None
            raise
    finally:
        await bridge.stop(thread)
        if not thread.cancelled():
            # Whoever stopped reading has a fault of their own.
            thread.exception()
