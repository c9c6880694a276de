"""What one worker's hot-read cache remembers: entries, announced writes, answered versions."""

import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")

EVERYTHING = "*"
"""The group whose announcement makes every entry stale."""

ANNOUNCED_FOR = 60.0
"""Seconds an announcement is remembered; longer than any read may take."""

REMEMBERED_ANSWERS = 20_000
_OVERHEAD = 2048
"""Bytes that an entry takes beside its value: objects, snapshot, group and the tables they stand in (measured)."""
_NONE: frozenset[int] = frozenset()


class Snapshot:
    """What a statement saw, as `pg_current_snapshot()` prints it: `xmin:xmax:running,…`.

    `stamp` grows with every transaction that ends: snapshots of one primary are totally ordered.
    """

    __slots__ = ("_running", "_xmax", "_xmin", "stamp", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        xmin, xmax, running = text.split(":")
        self._xmin = int(xmin)
        self._xmax = int(xmax)
        self._running = frozenset(map(int, running.split(","))) if running else _NONE
        self.stamp = self._xmax - len(self._running)

    def sees(self, xid: int) -> bool:
        """Whether the transaction had ended when the snapshot was taken."""
        return xid < self._xmin or (xid < self._xmax and xid not in self._running)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Value]):
    """A value and the snapshot of the statement that read it.

    Not `is_kept`: made of what other groups announce as well, so it is read anew each time.
    """

    value: Value
    snapshot: Snapshot
    is_kept: bool = True


@dataclass(slots=True)
class _Kept:
    entry: Entry[Any]
    group: str
    bytes: int
    expires: float


class LocalTier:
    """One worker's least-recently-used entries, bounded by bytes and age."""

    def __init__(self, max_bytes: int, ttl: float) -> None:
        self._max_bytes = max_bytes
        self._ttl = ttl
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._keys_by_group: dict[str, set[str]] = defaultdict(set)
        self.bytes = 0

    def get(self, key: str) -> Entry[Any] | None:
        """The entry, unless it is unknown or too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.expires < time.monotonic():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.entry

    def put(self, group: str, key: str, entry: Entry[Any], size: int) -> None:
        """Keep the entry, whose value takes `size` bytes; push out the least recently used beyond the limit."""
        self._drop(key)
        kept = _Kept(entry, group, size + len(key) + _OVERHEAD, time.monotonic() + self._ttl)
        self._kept[key] = kept
        self._keys_by_group[group].add(key)
        self.bytes += kept.bytes
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._kept)))

    def drop_group(self, group: str) -> None:
        """Forget the group's entries; `EVERYTHING` forgets all."""
        if group == EVERYTHING:
            self.clear()
            return
        for key in tuple(self._keys_by_group.get(group, ())):
            self._drop(key)

    def clear(self) -> None:
        """Forget all entries."""
        self._kept.clear()
        self._keys_by_group.clear()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.bytes -= kept.bytes
        keys = self._keys_by_group[kept.group]
        keys.discard(key)
        if not keys:
            del self._keys_by_group[kept.group]


class Announcements:
    """Which transactions are about to change, or have lately changed, which group."""

    def __init__(self) -> None:
        self._xids: dict[str, set[int]] = defaultdict(set)
        self._ages: deque[tuple[float, str, int]] = deque()

    def add(self, groups: Iterable[str], xid: int) -> None:
        """Remember the transaction for each group."""
        now = time.monotonic()
        self._forget_before(now - ANNOUNCED_FOR)
        for group in groups:
            self._xids[group].add(xid)
            self._ages.append((now, group, xid))

    def are_seen_by(self, snapshot: Snapshot, group: str) -> bool:
        """Whether the snapshot includes every transaction announced for the group."""
        xids = (*self._xids.get(group, ()), *self._xids.get(EVERYTHING, ()))
        return all(snapshot.sees(xid) for xid in xids)

    def _forget_before(self, limit: float) -> None:
        while self._ages and self._ages[0][0] < limit:
            _, group, xid = self._ages.popleft()
            self._xids[group].discard(xid)
            if not self._xids[group]:
                del self._xids[group]


class AnsweredStamps:
    """The newest snapshot answered per key, so that no later answer is older.

    Bounded: what is forgotten raises the floor under every key, which is safe since a
    new read always has a newer snapshot than a forgotten one.
    """

    def __init__(self) -> None:
        self._stamps: OrderedDict[str, int] = OrderedDict()
        self._floor = 0

    def admit(self, key: str, stamp: int) -> bool:
        """Whether an answer of this stamp may go out; if so, remember it."""
        if stamp < self._stamps.get(key, self._floor):
            return False
        self._stamps[key] = stamp
        self._stamps.move_to_end(key)
        if len(self._stamps) > REMEMBERED_ANSWERS:
            _, forgotten = self._stamps.popitem(last=False)
            self._floor = max(self._floor, forgotten)
        return True

    def clear(self) -> None:
        """Start anew, as after a change of database."""
        self._stamps.clear()
        self._floor = 0
