"""Redis behind the hot-read cache: the tier all workers share, and the bus of announcements."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import structlog
from redis.asyncio.client import PubSub

from app.core.cache.local import ANNOUNCED_FOR, Entry, Snapshot
from app.core.redis import REDIS_FAULTS, RedisClient

PING_EVERY = 1.0
"""Seconds of silence after which the bus is pinged; twice that without an answer is a lost bus."""
LONGEST_PAUSE = 1.0

# Entries of one group are one hash, so that forgetting a group is one DEL. The epoch in the
# key name makes forgetting everything one SET. KEYS[1] is what every key begins with, a hash tag in it.
# An epoch is a time: one that was evicted or flushed never comes again with entries of its past.
_EPOCH = """
local function new_epoch()
  local now = redis.call('TIME')
  local epoch = now[1] .. '.' .. now[2]
  redis.call('SET', KEYS[1] .. ':epoch', epoch)
  return epoch
end
"""
# Also where memory is used up: what has changed must be told, and telling it frees more than it takes.
_ALWAYS = "#!lua flags=allow-oom\n"
_RENEW = f"{_ALWAYS}{_EPOCH}new_epoch()"
_ANNOUNCE = f"""{_ALWAYS}{_EPOCH}
local prefix, xid, lifetime = KEYS[1], ARGV[1], ARGV[2]
for i = 3, #ARGV do
  local recent = prefix .. ':recent:' .. ARGV[i]
  redis.call('SADD', recent, xid)
  redis.call('PEXPIRE', recent, lifetime)
  if ARGV[i] == '*' then
    new_epoch()
  else
    redis.call('DEL', prefix .. ':' .. (redis.call('GET', prefix .. ':epoch') or '') .. ':' .. ARGV[i])
  end
end
redis.call('PUBLISH', prefix .. ':bus', xid .. ' ' .. table.concat(ARGV, ' ', 3))
"""
_FETCH = """
local prefix = KEYS[1] .. ':' .. (redis.call('GET', KEYS[1] .. ':epoch') or '') .. ':'
local found = {}
for i = 1, #ARGV, 2 do found[(i + 1) / 2] = redis.call('HGET', prefix .. ARGV[i], ARGV[i + 1]) end
return found
"""
# Refuses an entry that does not see an announced transaction, or is older than the one it would replace.
_STORE = f"""{_EPOCH}
local prefix, lifetime = KEYS[1], ARGV[1]
local epoch = redis.call('GET', prefix .. ':epoch') or new_epoch()
local function store(group, key, packed, xmin, xmax, stamp, running_xids)
  local running = {{}}
  for xid in string.gmatch(running_xids, '%d+') do running[tonumber(xid)] = true end
  for _, name in ipairs({{group, '*'}}) do
    for _, text in ipairs(redis.call('SMEMBERS', prefix .. ':recent:' .. name)) do
      local xid = tonumber(text)
      if xid >= xmin and (xid >= xmax or running[xid]) then return end
    end
  end
  local hash = prefix .. ':' .. epoch .. ':' .. group
  local present = redis.call('HGET', hash, key)
  if present and tonumber(string.match(present, '^%d+')) > stamp then return end
  redis.call('HSET', hash, key, packed)
  redis.call('PEXPIRE', hash, lifetime)
end
for i = 2, #ARGV, 7 do
  store(ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]), tonumber(ARGV[i + 5]), ARGV[i + 6])
end
"""

_log = structlog.get_logger(__name__)


class Listener(Protocol):
    """What the bus reports to the worker's cache."""

    def receive(self, groups: Iterable[str], xid: int) -> None:
        """A transaction was announced."""

    def connection_changed(self) -> None:
        """The bus was gained or lost; whatever was kept may have missed an announcement."""


class CacheBus:
    """Announces, listens, fetches and stores; `is_connected` says whether nothing is being missed."""

    def __init__(self, redis: RedisClient, identify: Callable[[], Awaitable[str]], shared_ttl: float) -> None:
        self._redis = redis
        self._identify = identify
        self._shared_ttl_ms = int(shared_ttl * 1000)
        self._announce = redis.register_script(_ANNOUNCE)
        self._fetch = redis.register_script(_FETCH)
        self._store = redis.register_script(_STORE)
        self._renew = redis.register_script(_RENEW)
        self._prefix = ""
        self._wanted: list[tuple[str, str, asyncio.Future[bytes | None]]] = []
        self._fetching: asyncio.Task[None] | None = None
        self._offered: list[str | bytes | int] = []
        self._is_storing = False
        self.is_connected = False

    async def announce(self, groups: Iterable[str], xid: int) -> None:
        """Tell every worker and the shared tier that a transaction is about to change the groups."""
        if not self._prefix:
            self._prefix = await self._namespace()
        lifetime = int(ANNOUNCED_FOR * 1000)
        await self._announce(keys=[self._prefix], args=[xid, lifetime, *groups])

    async def fetch(self, group: str, key: str) -> Entry[bytes] | None:
        """Fetch the shared tier's entry as it was offered, or None; a fault of Redis is a miss.

        Those who ask while a question is under way are asked for together, in the next one.
        """
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._wanted.append((group, key, answer))
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch_wanted())
        packed = await answer
        if not packed:
            return None
        _, snapshot, value = packed.split(b"\n", 2)
        return Entry(value, Snapshot(snapshot.decode()))

    async def _fetch_wanted(self) -> None:
        try:
            while self._wanted:
                wanted, self._wanted = self._wanted, []
                names = [name for group, key, _ in wanted for name in (group, key)]
                found: list[bytes | None] = []
                try:
                    found = await self._fetch(keys=[self._prefix], args=names)
                except REDIS_FAULTS:
                    pass
                finally:
                    for (_, _, answer), packed in itertools.zip_longest(wanted, found):
                        if not answer.done():
                            answer.set_result(packed)
        finally:
            self._fetching = None

    def offer(self, group: str, key: str, entry: Entry[bytes]) -> bool:
        """Put an entry by for `store_offered`; true when nothing was put by before, so that nobody stores yet."""
        is_first = not self._is_storing
        self._is_storing = True
        stamp, text = entry.snapshot.stamp, entry.snapshot.text
        # The stamp comes first: the script that stores compares it.
        packed = b"%d\n%s\n%s" % (stamp, text.encode(), entry.value)
        xmin, xmax, running = text.split(":")
        self._offered += (group, key, packed, xmin, xmax, stamp, running)
        return is_first

    async def store_offered(self) -> None:
        """Store what was offered in the shared tier, all in one call; it takes each unless it is out of date."""
        try:
            while self._offered:
                offered, self._offered = self._offered, []
                await self._store(keys=[self._prefix], args=[self._shared_ttl_ms, *offered])
        except REDIS_FAULTS as fault:
            _log.debug("cache_store_failed", error=fault)
        finally:
            # What was left over must not wait: the shared tier remembers announcements for a minute only.
            self._offered = []
            self._is_storing = False

    async def run(self, listener: Listener) -> None:
        """Listen until cancelled, reconnecting with growing pauses."""
        pause = 0.05
        while True:
            try:
                await self._listen(listener)
            except REDIS_FAULTS as fault:
                _log.warning("cache_bus_lost", error=fault)
            except Exception as fault:  # noqa: BLE001 - whatever it was: without the bus nothing is cached until a restart
                _log.warning("cache_bus_lost", error=fault, exc_info=fault)
            finally:
                if self.is_connected:
                    pause = 0.05
                self.is_connected = False
                listener.connection_changed()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self, listener: Listener) -> None:
        self._prefix = await self._namespace()
        async with self._redis.pubsub() as pubsub:
            await pubsub.subscribe(f"{self._prefix}:bus")
            message = await pubsub.get_message(timeout=PING_EVERY)
            if message is None or message["type"] != "subscribe":
                raise ConnectionError("Redis did not confirm the subscription")
            # What the shared tier kept while nobody listened may be out of date.
            await self._renew(keys=[self._prefix])
            listener.connection_changed()
            self.is_connected = True
            await _hear(pubsub, listener)

    async def _namespace(self) -> str:
        return f"bookstore:cache:{{{await self._identify()}}}"


async def _hear(pubsub: PubSub, listener: Listener) -> None:
    is_pinged = False
    while True:
        message: dict[str, Any] | None = await pubsub.get_message(timeout=PING_EVERY)
        if message is None:
            if is_pinged:
                raise ConnectionError("Redis stopped answering on the cache bus")
            await pubsub.ping()
            is_pinged = True
            continue
        is_pinged = False
        if message["type"] == "message":
            xid, *groups = message["data"].decode().split(" ")
            listener.receive(groups, int(xid))
        elif message["type"] == "subscribe":
            # The client reconnected by itself: announcements may have been missed.
            raise ConnectionError("Redis was away for a moment")
