"""Rate limits per zone and client: counted in Redis, in this worker while Redis is away.

Headers as the IETF draft `RateLimit header fields for HTTP` has them, with the older
`X-RateLimit-*` beside. OPTIONS is never counted: it reaches no route.
"""

import math
import time
from collections.abc import Awaitable, Callable
from typing import Literal, get_args

import structlog
from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis

from app.core.client_addresses import counted_as
from app.core.clock import utc_now
from app.core.errors import RateLimited, refuses
from app.core.redis import REDIS_FAULTS
from app.core.settings.groups import RateLimitSettings

Zone = Literal[
    "api_key",
    "email_change",
    "login",
    "login_account",
    "login_pair",
    "mail",
    "mail_address",
    "mail_proof",
    "strength_check",
    "refresh",
    "registration",
    "search",
    "second_factor",
    "suggest",
    "username_check",
]
_Question = Callable[..., Awaitable[bool]]
_PAUSE = 5.0
"""Seconds without a question to Redis after a fault: else every request would wait for its timeout, twice."""
_log = structlog.get_logger(__name__)


class RateLimiter:
    """Moving windows, one counter per zone and client."""

    def __init__(self, settings: RateLimitSettings, redis: Redis) -> None:
        zones: tuple[Zone, ...] = get_args(Zone)
        self._limits: dict[Zone, RateLimitItem] = {}
        for zone in zones:
            limit = parse(getattr(settings, zone))
            amount = max(1, round(limit.amount * settings.factor))
            self._limits[zone] = type(limit)(amount, limit.multiples, limit.namespace)
        shared = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix="bookstore:limit",
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]  # documented, but typed as plain options
        )
        self._shared = MovingWindowRateLimiter(shared)
        self._local = MovingWindowRateLimiter(MemoryStorage())
        self._alone_until = 0.0

    async def check(self, zone: Zone, client: str) -> list[tuple[bytes, bytes]]:
        """Count one request and give the answer's headers. Raises RateLimited when the quota is used up."""
        return await self._ask(MovingWindowRateLimiter.hit, zone, client)

    async def refuse_beyond(self, zone: Zone, client: str) -> None:
        """Count nothing, for zones that count failures alone. Raises RateLimited when the quota is used up."""
        await self._ask(MovingWindowRateLimiter.test, zone, client)

    async def _ask(self, question: _Question, zone: Zone, client: str) -> list[tuple[bytes, bytes]]:
        limit = self._limits[zone]
        limiter = self._local if time.monotonic() < self._alone_until else self._shared
        try:
            is_allowed = await question(limiter, limit, zone, client)
            stats = await limiter.get_window_stats(limit, zone, client)
        except REDIS_FAULTS as fault:
            _log.warning("rate_limit_is_local", error=fault)
            self._alone_until = time.monotonic() + _PAUSE
            limiter = self._local
            is_allowed = await question(limiter, limit, zone, client)
            stats = await limiter.get_window_stats(limit, zone, client)
        seconds = max(1, math.ceil(stats.reset_time - utc_now().timestamp()))
        headers = _headers(zone, limit, stats.remaining, seconds)
        if not is_allowed:
            raise RateLimited(
                f"At most {limit.amount} requests per {limit.get_expiry()} s here; try again in {seconds} s.",
                headers={"Retry-After": str(seconds), **headers},
            )
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _headers(zone: Zone, limit: RateLimitItem, remaining: int, seconds: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{zone}";q={limit.amount};w={limit.get_expiry()}',
        "RateLimit": f'"{zone}";r={remaining};t={seconds}',
        "X-RateLimit-Limit": str(limit.amount),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(seconds),
    }


def client_address(request: Request) -> str:
    """The caller's address as it is counted; of IPv6 the /64. Proxies are resolved by the server."""
    return counted_as(request.client.host if request.client else "")


def rate_limited(zone: Zone) -> Callable[[Request], Awaitable[None]]:
    """A dependency that counts the request against the client's address."""

    @refuses(RateLimited)
    async def count(request: Request) -> None:
        limiter: RateLimiter = request.app.state.rate_limiter
        request.scope["state"]["answer_headers"] = await limiter.check(zone, client_address(request))

    return count
