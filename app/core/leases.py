"""Places that are counted in Redis, each held by a name and free again by itself unless it is renewed.

What a killed process held is free after `LASTS`. The time is the caller's: clocks of one shop agree to a second.
"""

from collections.abc import Collection, Mapping
from typing import Any

from app.core.clock import utc_now
from app.core.redis import RedisClient

LASTS = 12
"""Seconds."""
_TAKE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
"""


class Leases:
    """Takes, renews and gives back. Raises what Redis raises."""

    def __init__(self, redis: RedisClient, prefix: str) -> None:
        self._redis = redis
        self._prefix = prefix
        self._take = redis.register_script(_TAKE)

    async def take(self, key: str, name: str, most: int) -> bool:
        """Hold a place under the key, unless so many are held already."""
        now = _now()
        arguments: list[str | int] = [name, now, now + LASTS * 1000, most, LASTS * 1000]
        return bool(await self._take(keys=[f"{self._prefix}:{key}"], args=arguments))

    async def holders(self, key: str) -> list[str]:
        """The names that hold places under the key."""
        names: list[Any] = await self._redis.zrange(f"{self._prefix}:{key}", 0, -1)
        return [name.decode() for name in names]

    async def renew(self, held: Mapping[str, Collection[str]]) -> None:
        """Hold these places for `LASTS` from now."""
        expire_at = _now() + LASTS * 1000
        pipeline = self._redis.pipeline(transaction=False)
        for key, names in held.items():
            pipeline.zadd(f"{self._prefix}:{key}", dict.fromkeys(names, expire_at))
            pipeline.pexpire(f"{self._prefix}:{key}", LASTS * 1000)
        await pipeline.execute()

    async def give_back(self, held: Mapping[str, Collection[str]]) -> None:
        """Hold them no more."""
        pipeline = self._redis.pipeline(transaction=False)
        for key, names in held.items():
            pipeline.zrem(f"{self._prefix}:{key}", *names)
        await pipeline.execute()


def _now() -> int:
    return int(utc_now().timestamp() * 1000)
