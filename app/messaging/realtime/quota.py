"""How many streams each account has open, in all processes together; while Redis is away each counts its own.

A browser's EventSource that is refused never comes again, so the places of a process that was killed are free as soon
as somebody wants them: each process subscribes to a channel of its own, and Redis knows at once when nobody does.
"""

import asyncio
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import structlog

from app.core.leases import LASTS, Leases
from app.core.redis import REDIS_FAULTS, RedisClient
from app.messaging.realtime.errors import TooManyStreams
from app.messaging.realtime.stream import Stream

_AT_ONCE = 8
_PROCESSES = "bookstore:streams:of:"
_log = structlog.get_logger(__name__)


class StreamQuota:
    """Lets streams in, and out."""

    def __init__(self, redis: RedisClient, per_user: int) -> None:
        self._process = secrets.token_hex(8)
        self.presence = f"{_PROCESSES}{self._process}"
        """The channel to which this process subscribes for as long as it lives."""
        self._redis = redis
        self._leases = Leases(redis, "bookstore:streams")
        self._per_user = per_user
        self._here: Counter[int] = Counter()
        self._left: defaultdict[str, list[str]] = defaultdict(list)
        self._telling: asyncio.Task[None] | None = None
        # Thousands come at once after a restart: each command under way has a connection of its own.
        self._lanes = asyncio.Semaphore(_AT_ONCE)

    async def enter(self, user_id: int, stream_id: str) -> None:
        """Count the stream. Raises TooManyStreams."""
        try:
            async with self._lanes:
                is_let_in = await self._take(str(user_id), self._name(stream_id))
        except REDIS_FAULTS as fault:
            _log.debug("stream_quota_is_local", error=fault)
            is_let_in = self._here[user_id] < self._per_user
        if not is_let_in:
            raise TooManyStreams(
                f"An account may have {self._per_user} streams open; end one of them.",
                headers={"Retry-After": str(LASTS)},
            )
        self._here[user_id] += 1

    def leave(self, user_id: int, stream_id: str) -> None:
        """Count it no longer."""
        self._here[user_id] -= 1
        if not self._here[user_id]:
            del self._here[user_id]
        self._left[str(user_id)].append(self._name(stream_id))
        if self._telling is None:
            self._telling = asyncio.create_task(self._tell_left())

    async def renew(self, streams: Iterable[Stream]) -> None:
        """Keep the places of those that are open."""
        held: defaultdict[str, list[str]] = defaultdict(list)
        for stream in streams:
            held[str(stream.listener.principal.user_id)].append(self._name(stream.id))
        if not held:
            return
        try:
            await self._leases.renew(held)
        except REDIS_FAULTS as fault:
            _log.debug("stream_quota_not_renewed", error=fault)

    async def stop(self) -> None:
        """Tell the others of those that left."""
        if self._telling is not None:
            await self._telling

    def _name(self, stream_id: str) -> str:
        return f"{self._process}:{stream_id}"

    async def _take(self, user: str, name: str) -> bool:
        if await self._leases.take(user, name, self._per_user):
            return True
        dead = await self._list_dead(await self._leases.holders(user))
        if not dead:
            return False
        await self._leases.give_back({user: dead})
        return await self._leases.take(user, name, self._per_user)

    async def _list_dead(self, names: Iterable[str]) -> list[str]:
        """Those whose process has gone. One that only lost Redis for a moment takes its places again as it renews them."""
        processes = {name: name.partition(":")[0] for name in names}
        others = {f"{_PROCESSES}{process}" for process in processes.values()} - {self.presence}
        listening: list[tuple[Any, int]] = await self._redis.pubsub_numsub(*others) if others else []
        living = {self.presence, *(channel.decode() for channel, count in listening if count)}
        return [name for name, process in processes.items() if f"{_PROCESSES}{process}" not in living]

    async def _tell_left(self) -> None:
        try:
            while self._left:
                left, self._left = self._left, defaultdict(list)
                await self._leases.give_back(left)
        except REDIS_FAULTS as fault:
            # Their places are free by themselves.
            _log.debug("stream_quota_not_told", error=fault)
        finally:
            self._telling = None
