"""The hot-read cache: ready bytes per worker, shared through Redis, exact under concurrency.

Every entry carries the PostgreSQL snapshot it was read in. A writer announces its
transaction id *before* it commits; an entry may be kept only while its snapshot sees
every transaction announced for its group. So a racing cold read can never put an old
version back, and a writer killed between announcement and commit costs nothing: its
transaction ends either way. While the bus is away nothing is kept and every read asks
PostgreSQL. See docs/adr/0003-cache.md.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.cache.bus import REDIS_FAULTS, CacheBus
from app.core.cache.local import (
    EVERYTHING,
    Announcements,
    AnsweredStamps,
    Entry,
    Loader,
    LocalTier,
    Snapshot,
)
from app.core.settings.groups import CacheSettings

_MIB = 1024 * 1024
_GROUPS = "cache_groups"
_log = structlog.get_logger(__name__)

__all__ = ["EVERYTHING", "Entry", "HotCache", "Loader", "Snapshot", "invalidate", "invalidated_groups"]


def invalidate(session: AsyncSession, *groups: str) -> None:
    """Mark groups whose entries this transaction changes; the commit announces them."""
    session.info.setdefault(_GROUPS, set()).update(groups)


def invalidated_groups(session: AsyncSession) -> set[str]:
    """The groups marked since the last call; clears the mark."""
    groups: set[str] = session.info.pop(_GROUPS, set())
    return groups


@dataclass(slots=True)
class CacheCounters:
    """How reads were answered, for `/metrics`."""

    local: int = 0
    shared: int = 0
    database: int = 0
    bypass: int = 0


class HotCache:
    """Answers by key from this worker, then Redis, then the loader; never an older version twice.

    `peek` is the hot path and touches neither Redis nor the database.
    """

    def __init__(self, bus: CacheBus, settings: CacheSettings) -> None:
        self._bus = bus
        self._local = LocalTier(int(settings.local_size * _MIB), settings.local_ttl)
        self._announcements = Announcements()
        self._answered = AnsweredStamps()
        self._flights: dict[str, asyncio.Future[Entry | None]] = {}
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = CacheCounters()

    @property
    def is_connected(self) -> bool:
        """Whether announcements of other workers are being heard."""
        return self._bus.is_connected

    def peek(self, key: str) -> Entry | None:
        """The worker's own entry, if one is kept."""
        entry = self._local.get(key)
        if entry is not None:
            self.counters.local += 1
        return entry

    async def get(self, group: str, key: str, load: Loader) -> Entry:
        """The entry from the nearest tier that has it; `load` reads it in one statement.

        Whatever `load` raises is passed on and never kept.
        """
        if not self._bus.is_connected:
            self.counters.bypass += 1
            return await self._read(key, load)
        entry = self.peek(key)
        if entry is not None:
            return entry
        flight = self._flights.get(key)
        if flight is None:
            return await self._lead(group, key, load)
        # A flight may have left before a write this caller knows of: it is shared only if it saw all writes.
        return await asyncio.shield(flight) or await self._read(key, load)

    async def announce(self, groups: set[str], xid: int) -> None:
        """Say, before commit, that transaction `xid` changes the groups. Never fails.

        While Redis is away every worker bypasses its cache; what it may have missed is
        made good as soon as Redis answers again.
        """
        self.heard(groups, xid)
        try:
            await self._bus.announce(groups, xid)
        except REDIS_FAULTS as fault:
            _log.warning("cache_announcement_delayed", error=str(fault) or repr(fault))
            self._in_background(self._announce_late(xid))

    def heard(self, groups: Iterable[str], xid: int) -> None:
        """Drop what the announced transaction makes stale and remember it for reads under way."""
        groups = tuple(groups)
        self._announcements.add(groups, xid)
        for group in groups:
            self._local.drop_group(group)

    def connection_changed(self) -> None:
        """Forget all entries: an announcement may have been missed."""
        self._connections += 1
        self._local.clear()

    def start(self) -> None:
        """Join the bus; needs a running event loop."""
        self._in_background(self._bus.run(self))

    async def stop(self) -> None:
        """Leave the bus and end what runs in the background."""
        # More than once: a cancellation that meets redis-py's own read timeout is lost in it.
        while tasks := tuple(self._tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.1)

    async def _lead(self, group: str, key: str, load: Loader) -> Entry:
        flight: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        shared: Entry | None = None
        try:
            entry, shared = await self._fill(group, key, load)
            return entry
        finally:
            del self._flights[key]
            flight.set_result(shared)

    async def _fill(self, group: str, key: str, load: Loader) -> tuple[Entry, Entry | None]:
        connection = self._connections
        entry = await self._bus.fetch(group, key)
        is_shared = (
            entry is not None
            and self._announcements.are_seen_by(entry.snapshot, group)
            and self._answered.admit(key, entry.snapshot.stamp)
        )
        if entry is None or not is_shared:
            entry = await self._read(key, load)
        self._count(is_shared=is_shared)
        is_current = self._announcements.are_seen_by(entry.snapshot, group)
        if not is_current or connection != self._connections or not self._bus.is_connected:
            return entry, None
        self._local.put(group, key, entry)
        if not is_shared and self._bus.offer(group, key, entry):
            self._in_background(self._bus.store_offered())
        return entry, entry

    async def _read(self, key: str, load: Loader) -> Entry:
        while True:
            entry = await load()
            if self._answered.admit(key, entry.snapshot.stamp):
                return entry

    def _count(self, *, is_shared: bool) -> None:
        if is_shared:
            self.counters.shared += 1
        else:
            self.counters.database += 1

    async def _announce_late(self, xid: int) -> None:
        while True:
            await asyncio.sleep(0.2)
            with suppress(*REDIS_FAULTS):
                await self._bus.announce([EVERYTHING], xid)
                return

    def _in_background(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
