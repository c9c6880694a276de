"""Rate limits per zone and client, as `RateLimitSettings` names them.

The general zones (`read`, `write`) are counted in the worker, which settles with the others beside the
requests (`window_counts`). The others guard what is scarce: they are counted in Redis request by request,
and in this worker while Redis is away. Headers as the IETF draft `RateLimit header fields for HTTP` has them,
with the older `X-RateLimit-*` beside. OPTIONS is never counted.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import structlog
from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.core.client_addresses import counted_as
from app.core.clock import utc_now
from app.core.errors import RateLimited, refuses
from app.core.redis import REDIS_FAULTS, RedisClient
from app.core.settings.groups import RateLimitSettings
from app.core.window_counts import PAUSE, Limit, Verdict, WindowCounts

Headers = list[tuple[bytes, bytes]]
_Question = Callable[..., Awaitable[bool]]
_PREFIX = "bookstore:limit"
_CALLER = "limited_as"
_COUNTED = "counted"
_log = structlog.get_logger(__name__)


class _OurRedis(RedisStorage):
    """The library's storage on a client that is there already, of one server, Sentinels or a Cluster alike."""

    def configure_bridge(self) -> None:
        client = self.options["client"]
        self.bridge.connection_getter = lambda _: client  # type: ignore[attr-defined]  # of the bridge to redis-py


class RateLimiter:
    """Counters per zone and client."""

    def __init__(self, settings: RateLimitSettings, redis: RedisClient) -> None:
        self._items: dict[str, RateLimitItem] = {}
        self._limits: dict[str, Limit] = {}
        self._policies: dict[str, Headers] = {}
        for zone in settings.zones():
            item = parse(getattr(settings, zone))
            amount = max(1, round(item.amount * settings.factor))
            self._items[zone] = type(item)(amount, item.multiples, item.namespace)
            self._limits[zone] = Limit(amount, item.get_expiry())
            policy = f'"{zone}";q={amount};w={item.get_expiry()}'
            self._policies[zone] = [
                (b"ratelimit-policy", policy.encode()),
                (b"x-ratelimit-limit", str(amount).encode()),
            ]
        shared = _OurRedis(
            "async+redis://",
            implementation="redispy",
            key_prefix=_PREFIX,
            client=redis,  # type: ignore[arg-type]  # options are typed as plain values
        )
        self._redis = redis
        self._shared = MovingWindowRateLimiter(shared)
        self._alone = MemoryStorage()
        self._local = MovingWindowRateLimiter(self._alone)
        self._alone_until = 0.0
        self._counts = WindowCounts(redis)
        self.slow_lane = asyncio.Semaphore(2)
        """For what cannot be refused to clients beyond a quota: they do not crowd out the others."""

    async def take(self, zone: str, client: str) -> Headers:
        """Count one request in this worker, and give the answer's headers. Raises RateLimited."""
        return self._judge(zone, await self._counts.take(self._limits[zone], f"{zone}:{client}"))

    def is_used_up(self, zone: str, client: str) -> bool:
        """Whether `take` would refuse, as far as this worker knows."""
        return not self._counts.look(self._limits[zone], f"{zone}:{client}").is_allowed

    async def check(self, zone: str, client: str) -> Headers:
        """Count one request exactly, and give the answer's headers. Raises RateLimited when the quota is used up."""
        return await self._ask(MovingWindowRateLimiter.hit, zone, client)

    async def refuse_beyond(self, zone: str, client: str) -> None:
        """Count nothing, for zones that count failures alone. Raises RateLimited when the quota is used up."""
        await self._ask(MovingWindowRateLimiter.test, zone, client)

    async def give_back(self, zone: str, client: str) -> None:
        """Take back what `check` counted last: the request was not worth counting."""
        key = self._items[zone].key_for(zone, client)
        if time.monotonic() >= self._alone_until:
            try:
                await self._redis.lpop(f"{_PREFIX}:{key}")
            except REDIS_FAULTS:
                # One request too many stays counted; the next question tells of the fault.
                return
        elif self._alone.events.get(key):
            del self._alone.events[key][0]

    async def stop(self) -> None:
        """Tell the other workers what is counted here."""
        await self._counts.stop()

    async def _ask(self, question: _Question, zone: str, client: str) -> Headers:
        item = self._items[zone]
        limiter = self._local if time.monotonic() < self._alone_until else self._shared
        try:
            is_allowed = await question(limiter, item, zone, client)
            stats = await limiter.get_window_stats(item, zone, client)
        except REDIS_FAULTS as fault:
            _log.warning("rate_limit_is_local", error=fault)
            self._alone_until = time.monotonic() + PAUSE
            limiter = self._local
            is_allowed = await question(limiter, item, zone, client)
            stats = await limiter.get_window_stats(item, zone, client)
        seconds = max(1, math.ceil(stats.reset_time - utc_now().timestamp()))
        return self._judge(zone, Verdict(is_allowed, stats.remaining, seconds))

    def _judge(self, zone: str, verdict: Verdict) -> Headers:
        remaining, seconds = str(verdict.remaining).encode(), str(verdict.seconds).encode()
        headers = [
            *self._policies[zone],
            (b"ratelimit", b'"%s";r=%s;t=%s' % (zone.encode(), remaining, seconds)),
            (b"x-ratelimit-remaining", remaining),
            (b"x-ratelimit-reset", seconds),
        ]
        if not verdict.is_allowed:
            amount, window = self._limits[zone]
            told = {name.decode(): value.decode() for name, value in headers}
            raise RateLimited(
                f"At most {amount} requests per {window} s here; try again in {verdict.seconds} s.",
                headers={"Retry-After": str(verdict.seconds), **told},
            )
        return headers


def client_address(request: Request) -> str:
    """The caller's address as it is counted; of IPv6 the /64. Proxies are resolved by the server."""
    return counted_as(request.client.host if request.client else "")


def set_caller(request: Request, name: str) -> None:
    """Note whom the request is counted against in general."""
    request.scope["state"][_CALLER] = name


def caller_of(request: Request) -> str:
    """Whom the request is counted against in general: the API key, the account, or the client's address."""
    name: str = request.scope["state"].get(_CALLER) or client_address(request)
    return name


def rate_limited(
    zone: str, by: Callable[[Request], str] = client_address
) -> Callable[[Request], Awaitable[None]]:
    """A dependency that counts the request in a zone of RateLimitSettings, against the client's address unless told."""
    if zone not in RateLimitSettings.zones():
        raise ValueError(f"RateLimitSettings has no zone {zone}")

    @refuses(RateLimited)
    async def count(request: Request) -> None:
        await count_request(request, zone, by(request))

    return count


async def count_request(request: Request, zone: str, client: str) -> None:
    """Count it, with the headers of this zone on the answer; a body that is refused gives it back. Raises RateLimited."""
    limiter: RateLimiter = request.app.state.rate_limiter
    state = request.scope["state"]
    state["answer_headers"] = await limiter.check(zone, client)
    state.setdefault(_COUNTED, []).append((zone, client))


async def give_back_all(request: Request) -> None:
    """Take back what the request was counted in scarce zones."""
    limiter: RateLimiter = request.app.state.rate_limiter
    for zone, client in request.scope["state"].pop(_COUNTED, ()):
        await limiter.give_back(zone, client)
