"""The hot-read cache: values per worker, shared through Redis, exact under concurrency.

Every entry carries the PostgreSQL snapshot it was read in. A writer announces its
transaction id *before* it commits; an entry may be kept only while its snapshot sees
every transaction announced for its group. So a racing cold read can never put an old
version back, and a writer killed between announcement and commit costs nothing: its
transaction ends either way. While the bus is away nothing is kept and every read asks
PostgreSQL. See docs/adr/0003-cache.md.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.cache.bus import CacheBus
from app.core.cache.local import (
    EVERYTHING,
    Announcements,
    AnsweredStamps,
    Entry,
    LocalTier,
    Snapshot,
    Value,
)
from app.core.redis import REDIS_FAULTS
from app.core.settings.groups import CacheSettings
from app.core.tasks import end_tasks

_MIB = 1024 * 1024
_GROUPS = "cache_groups"
_log = structlog.get_logger(__name__)

__all__ = [
    "EVERYTHING",
    "CacheSpace",
    "Entry",
    "HotCache",
    "Loader",
    "Snapshot",
    "invalidate",
    "invalidated_groups",
]

Loader = Callable[[], Awaitable[Entry[Value]]]
"""Reads a value in one statement, with that statement's snapshot."""


@dataclass(frozen=True, slots=True)
class CacheSpace(Generic[Value]):
    """One kind of value in the cache, with keys of its own and the form in which Redis keeps it.

    Every key begins with the space's name and a colon, which no name contains, so that no key of one
    space, whatever a client had put into it, is a key of another. A worker keeps values as they are:
    `encode` and `decode` run on the way to Redis and back. Another encoding needs another name: while
    a new release is brought in, workers of both use one Redis.
    """

    name: str
    encode: Callable[[Value], bytes]
    decode: Callable[[bytes], Value]

    def full_key(self, key: str) -> str:
        """The key as the tiers know it."""
        return f"{self.name}:{key}"


def invalidate(session: AsyncSession, *groups: str) -> None:
    """Mark groups whose entries this transaction changes; the commit announces them."""
    session.info.setdefault(_GROUPS, set()).update(groups)


def invalidated_groups(session: AsyncSession) -> set[str]:
    """Take the groups marked since the last call."""
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
    """Values by space and key from this worker, then Redis, then the loader; never an older version twice.

    `peek` is the hot path and touches neither Redis nor the database.
    """

    def __init__(self, bus: CacheBus, settings: CacheSettings) -> None:
        self._bus = bus
        self._local = LocalTier(int(settings.local_size * _MIB), settings.local_ttl)
        self._announcements = Announcements()
        self._answered = AnsweredStamps()
        self._flights: dict[str, asyncio.Future[Entry[Any] | None]] = {}
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = CacheCounters()

    @property
    def is_connected(self) -> bool:
        """Whether announcements of other workers arrive."""
        return self._bus.is_connected

    def peek(self, space: CacheSpace[Value], key: str) -> Value | None:
        """The worker's own value, if one is kept."""
        entry: Entry[Value] | None = self._local.get(space.full_key(key))
        if entry is None:
            return None
        self.counters.local += 1
        return entry.value

    async def get(self, space: CacheSpace[Value], group: str, key: str, load: Loader[Value]) -> Value:
        """Get the value from the nearest tier that has it; `load` reads it in one statement.

        Whatever `load` raises is passed on and never kept.
        """
        full_key = space.full_key(key)
        if not self._bus.is_connected:
            self.counters.bypass += 1
            return (await self._read(full_key, load)).value
        kept: Entry[Value] | None = self._local.get(full_key)
        if kept is not None:
            self.counters.local += 1
            return kept.value
        flight = self._flights.get(full_key)
        if flight is None:
            return (await self._lead(space, group, full_key, load)).value
        # A flight may have left before a write this caller knows of: it is shared only if it saw all writes.
        shared: Entry[Value] | None = await asyncio.shield(flight)
        return (shared or await self._read(full_key, load)).value

    async def announce(self, groups: set[str], xid: int) -> None:
        """Say, before commit, that transaction `xid` changes the groups. Never fails.

        While Redis is away every worker bypasses its cache; what it may have missed is
        made good as soon as Redis answers again.
        """
        self.receive(groups, xid)
        try:
            await self._bus.announce(groups, xid)
        except REDIS_FAULTS as fault:
            _log.warning("cache_announcement_delayed", error=fault)
            self._in_background(self._announce_late(xid))

    def receive(self, groups: Iterable[str], xid: int) -> None:
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
        await end_tasks(tuple(self._tasks))

    async def _lead(
        self, space: CacheSpace[Value], group: str, key: str, load: Loader[Value]
    ) -> Entry[Value]:
        flight: asyncio.Future[Entry[Any] | None] = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        shared: Entry[Value] | None = None
        try:
            entry, shared = await self._fill(space, group, key, load)
            return entry
        finally:
            del self._flights[key]
            flight.set_result(shared)

    async def _fill(
        self, space: CacheSpace[Value], group: str, key: str, load: Loader[Value]
    ) -> tuple[Entry[Value], Entry[Value] | None]:
        """Find the entry; return it once more if those who wait for it may have it too."""
        connection = self._connections
        found = await self._bus.fetch(group, key)
        if (
            found is not None
            and self._announcements.are_seen_by(found.snapshot, group)
            and self._answered.admit(key, found.snapshot.stamp)
        ):
            self.counters.shared += 1
            entry = Entry(space.decode(found.value), found.snapshot)
        else:
            found = None
            entry = await self._read(key, load)
            self.counters.database += 1
        is_current = entry.is_kept and self._announcements.are_seen_by(entry.snapshot, group)
        if not is_current or connection != self._connections or not self._bus.is_connected:
            return entry, None
        encoded = found or Entry(space.encode(entry.value), entry.snapshot)
        self._local.put(group, key, entry, len(encoded.value))
        if found is None and self._bus.offer(group, key, encoded):
            self._in_background(self._bus.store_offered())
        return entry, entry

    async def _read(self, key: str, load: Loader[Value]) -> Entry[Value]:
        while True:
            entry = await load()
            if self._answered.admit(key, entry.snapshot.stamp):
                return entry

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
