"""When keys were last used: noted by requests in memory, written beside them, once a minute per key."""

import asyncio
import time
from contextlib import suppress

import structlog

from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.faults import Fault
from app.identity.authentication.repository import record_uses

WRITTEN_EVERY = 60.0
GATHERED_FOR = 1.0
"""Seconds in which uses of several keys gather into one statement."""

_log = structlog.get_logger(__name__)


class KeyUses:
    """Notes uses for `last_used_at`; the database refuses a second write within the minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[int, float] = {}
        self._due: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def note(self, key_id: int) -> None:
        """The key is being used; costs no input or output."""
        now = time.monotonic()
        noted = self._noted.get(key_id)
        if noted is not None and now - noted < WRITTEN_EVERY:
            return
        self._noted[key_id] = now
        self._due.add(key_id)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._write_soon())

    async def write(self) -> None:
        """Write what was noted. A fault costs the note and nothing else."""
        due, self._due = self._due, set()
        limit = time.monotonic() - WRITTEN_EVERY
        self._noted = {key_id: noted for key_id, noted in self._noted.items() if noted > limit}
        if not due:
            return
        try:
            # Not a request's transaction: one statement that commits itself.
            async with self._database.read_engine.connect() as connection:
                await record_uses(connection, due, utc_now())
        except Exception as fault:  # noqa: BLE001 (a task has no caller to tell)
            if not Fault.of(fault).is_passing:
                _log.exception("api_key_uses_not_written")
                return
            _log.warning("api_key_uses_not_written", error=fault)

    async def stop(self) -> None:
        """Write what is left, without waiting for more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.write()

    async def _write_soon(self) -> None:
        await asyncio.sleep(GATHERED_FOR)
        await self.write()
