"""How this application talks to Redis: fail fast, since every caller can do without."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from app.core.settings.groups import RedisSettings

REDIS_FAULTS = (RedisError, OSError, TimeoutError)
"""What a Redis that is away, or hangs, or refuses looks like to its callers."""


def make_redis(settings: RedisSettings) -> Redis:
    """A client that tries a broken connection once more and then gives up; times in seconds."""
    return Redis.from_url(
        settings.url.get_secret_value(),
        socket_timeout=settings.timeout,
        socket_connect_timeout=settings.timeout,
        retry=Retry(NoBackoff(), 1),
    )


def explain_fault(fault: Exception) -> str | None:
    """What Redis says against us, as the beginning of a sentence; None when the fault is not of Redis."""
    if isinstance(fault, AuthenticationError | AuthorizationError):
        return f"Redis refuses ({fault})"
    return f"Redis does not answer ({fault})" if isinstance(fault, RedisError) else None
