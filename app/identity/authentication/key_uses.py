"""When keys were last used: noted by requests in memory, written beside them, once a minute per key."""

import time

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import utc_now
from app.core.db.engine import Database
from app.core.db.noted import NotedWrites
from app.identity.authentication.repository import record_uses

WRITTEN_EVERY = 60.0
"""Seconds between two writes of one key."""


class KeyUses(NotedWrites[set[int]]):
    """Notes uses for `last_used_at`; the database refuses a second write within the minute."""

    EVERY = 1.0

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._noted: dict[int, float] = {}
        self._due: set[int] = set()

    def note(self, key_id: int) -> None:
        """The key is being used; costs no input or output."""
        now = time.monotonic()
        noted = self._noted.get(key_id)
        if noted is not None and now - noted < WRITTEN_EVERY:
            return
        self._noted[key_id] = now
        self._due.add(key_id)

    def take(self) -> set[int]:
        """Forget, too, which keys were noted more than a minute ago."""
        due, self._due = self._due, set()
        limit = time.monotonic() - WRITTEN_EVERY
        self._noted = {key_id: noted for key_id, noted in self._noted.items() if noted > limit}
        return due

    def put_back(self, notes: set[int]) -> None:
        """They are due again."""
        self._due |= notes

    async def record(self, connection: AsyncConnection, notes: set[int]) -> None:
        """Now stands for the moments within the second in which they were used."""
        await record_uses(connection, notes, utc_now())
