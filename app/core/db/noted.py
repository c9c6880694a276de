"""What requests note in memory and a worker writes beside them, so that no request waits for it."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import ClassVar, Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.engine import Database
from app.core.db.faults import Fault
from app.core.observers import report_fault

Notes = TypeVar("Notes")

_log = structlog.get_logger(__name__)


class NotedWrites(ABC, Generic[Notes]):
    """Writes what was noted every `EVERY` seconds and once more when it stops; a subclass keeps the notes.

    Notes outlive a server that is away for a while, but not this process.
    """

    EVERY: ClassVar[float]

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    def take(self) -> Notes:
        """Hand out all notes and keep none; empty when there are none."""

    @abstractmethod
    def put_back(self, notes: Notes) -> None:
        """Note again what could not be written."""

    @abstractmethod
    async def record(self, connection: AsyncConnection, notes: Notes) -> None:
        """Write the notes, each statement committing itself."""

    def start(self) -> None:
        """Write from now on; needs a running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._repeat())

    async def write(self) -> None:
        """Write what was noted, after a write that is under way. A passing fault keeps the notes for the next."""
        async with self._writing:
            if not (notes := self.take()):
                return
            try:
                async with self._database.read_engine.connect() as connection:
                    await self.record(connection, notes)
            except Exception as fault:  # noqa: BLE001 (a task has no caller to tell)
                if not Fault.of(fault).is_passing:
                    _log.exception("notes_not_written", notes=type(self).__name__)
                    report_fault(fault)
                    return
                _log.warning("notes_not_written", notes=type(self).__name__, error=fault)
                self.put_back(notes)

    async def stop(self) -> None:
        """Let a write that is under way end, and write what is left."""
        self._stopping.set()
        if self._task is not None:
            await self._task
        await self.write()

    async def _repeat(self) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self.EVERY):
                    await self._stopping.wait()
            await self.write()
