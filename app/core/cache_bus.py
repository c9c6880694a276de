"""Redis behind the hot-read cache: the tier all workers share, and the bus of announcements."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import orjson
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from app.core.cache_local import ANNOUNCED_FOR, EVERYTHING, Entry, Snapshot

REDIS_FAULTS = (RedisError, OSError, TimeoutError)
PING_EVERY = 1.0
"""Seconds of silence after which the bus is pinged; twice that without an answer is a lost bus."""
LONGEST_PAUSE = 1.0

# Entries of one group are one hash, so that forgetting a group is one DEL. The epoch in the
# key name makes forgetting everything one INCR.
_ANNOUNCE = """
local prefix, xid, lifetime = ARGV[1], ARGV[2], ARGV[3]
for i = 4, #ARGV do
  local recent = prefix .. ':recent:' .. ARGV[i]
  redis.call('SADD', recent, xid)
  redis.call('PEXPIRE', recent, lifetime)
  if ARGV[i] == '*' then
    redis.call('INCR', prefix .. ':epoch')
  else
    redis.call('DEL', prefix .. ':' .. (redis.call('GET', prefix .. ':epoch') or '0') .. ':' .. ARGV[i])
  end
end
redis.call('PUBLISH', prefix .. ':bus', xid .. ' ' .. table.concat(ARGV, ' ', 4))
"""
_FETCH = """
local epoch = redis.call('GET', ARGV[1] .. ':epoch') or '0'
return redis.call('HGET', ARGV[1] .. ':' .. epoch .. ':' .. ARGV[2], ARGV[3])
"""
# Refuses an entry that does not see an announced transaction, or is older than the one it would replace.
_STORE = """
local prefix, group, key, packed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local xmin, xmax, stamp, running = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), {}
for xid in string.gmatch(ARGV[8], '%d+') do running[tonumber(xid)] = true end
for _, name in ipairs({group, '*'}) do
  for _, text in ipairs(redis.call('SMEMBERS', prefix .. ':recent:' .. name)) do
    local xid = tonumber(text)
    if xid >= xmin and (xid >= xmax or running[xid]) then return 0 end
  end
end
local hash = prefix .. ':' .. (redis.call('GET', prefix .. ':epoch') or '0') .. ':' .. group
local present = redis.call('HGET', hash, key)
if present and tonumber(string.match(present, '^%d+')) > stamp then return 0 end
redis.call('HSET', hash, key, packed)
redis.call('PEXPIRE', hash, ARGV[9])
return 1
"""

_log = structlog.get_logger(__name__)


class Listener(Protocol):
    """What the bus tells the worker's cache."""

    def heard(self, groups: Iterable[str], xid: int) -> None:
        """A transaction was announced."""

    def connection_changed(self) -> None:
        """The bus was gained or lost; whatever was kept may have missed an announcement."""


class CacheBus:
    """Announces, hears, fetches and stores; `is_connected` says whether nothing is being missed."""

    def __init__(self, redis: Redis, identify: Callable[[], Awaitable[str]], shared_ttl: float) -> None:
        self._redis = redis
        self._identify = identify
        self._shared_ttl_ms = int(shared_ttl * 1000)
        self._announce = redis.register_script(_ANNOUNCE)
        self._fetch = redis.register_script(_FETCH)
        self._store = redis.register_script(_STORE)
        self._prefix = ""
        self.is_connected = False

    async def announce(self, groups: Iterable[str], xid: int) -> None:
        """Tell every worker and the shared tier that a transaction is about to change the groups."""
        if not self._prefix:
            self._prefix = await self._namespace()
        lifetime = int(ANNOUNCED_FOR * 1000)
        await self._announce(args=[self._prefix, xid, lifetime, *groups])

    async def fetch(self, group: str, key: str) -> Entry | None:
        """The shared tier's entry, or None; a fault of Redis is a miss."""
        try:
            packed = await self._fetch(args=[self._prefix, group, key])
        except REDIS_FAULTS:
            return None
        return _unpack(packed) if packed else None

    async def store(self, group: str, key: str, entry: Entry) -> None:
        """Offer an entry to the shared tier, which takes it unless it is out of date."""
        xmin, xmax, running = entry.snapshot.text.split(":")
        stamp = entry.snapshot.stamp
        packed = _pack(entry)
        try:
            await self._store(
                args=[self._prefix, group, key, packed, xmin, xmax, stamp, running, self._shared_ttl_ms]
            )
        except REDIS_FAULTS as fault:
            _log.debug("cache_store_failed", error=repr(fault))

    async def run(self, listener: Listener) -> None:
        """Listen until cancelled, reconnecting with growing pauses."""
        pause = 0.05
        while True:
            try:
                await self._listen(listener)
            except REDIS_FAULTS as fault:
                _log.warning("cache_bus_lost", error=str(fault) or repr(fault))
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
            await _expect_subscription(pubsub)
            # What the shared tier held while nobody listened may be out of date.
            await self._redis.incr(f"{self._prefix}:epoch")
            listener.connection_changed()
            self.is_connected = True
            await _hear(pubsub, listener)

    async def _namespace(self) -> str:
        return f"bookstore:cache:{await self._identify()}"


async def _expect_subscription(pubsub: PubSub) -> None:
    message = await pubsub.get_message(timeout=PING_EVERY)
    if message is None or message["type"] != "subscribe":
        raise ConnectionError("Redis did not confirm the subscription")


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
            listener.heard(groups, int(xid))
        elif message["type"] == "subscribe":
            # The client reconnected by itself: announcements may have been missed.
            raise ConnectionError("Redis was away for a moment")


def _pack(entry: Entry) -> bytes:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in entry.headers]
    head = orjson.dumps([entry.snapshot.text, entry.etag.decode("latin-1"), entry.template, headers])
    return b"%d\n%s\n%s" % (entry.snapshot.stamp, head, entry.body)


def _unpack(packed: bytes) -> Entry:
    _, head, body = packed.split(b"\n", 2)
    snapshot, etag, template, headers = orjson.loads(head)
    return Entry(
        body=body,
        etag=etag.encode("latin-1"),
        headers=tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers),
        template=template,
        snapshot=Snapshot(snapshot),
    )


__all__ = ["EVERYTHING", "REDIS_FAULTS", "CacheBus", "Listener"]
