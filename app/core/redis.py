"""How this application talks to Redis: fail fast, since every caller can do without.

One server, a primary that Sentinels watch, or a Cluster: the URL says which, and callers do not notice. Keys
that one script or one command touches together share a hash tag, so that a Cluster keeps them in one place.
"""

from typing import Any, TypeAlias

import structlog
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    NoPermissionError,
    OutOfMemoryError,
    RedisClusterException,
    RedisError,
)

from app.core.settings.redis import RedisAddress, RedisSettings

RedisClient: TypeAlias = Redis | RedisCluster
REDIS_FAULTS = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a Redis that is away, or hangs, or refuses, or has no memory left looks like to its callers."""
_NO_EVICTION = "noeviction"
_log = structlog.get_logger(__name__)


class _WatchedRedis(Redis):
    """The primary that Sentinels name; closing it closes the connections to them as well."""

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        await super().aclose(close_connection_pool)
        pool = self.connection_pool
        if isinstance(pool, SentinelConnectionPool):
            await pool.sentinel_manager.aclose()


def make_redis(settings: RedisSettings, *, blocks: float = 0) -> RedisClient:
    """A client of REDIS_URL that tries a broken connection once more and then gives up.

    `blocks` is how many seconds more than REDIS_TIMEOUT its commands may take.
    """
    return _connect(settings.url.get_secret_value(), settings.timeout, blocks)


def make_cache_redis(settings: RedisSettings, durable: RedisClient) -> RedisClient:
    """A client of REDIS_CACHE_URL; the durable one where that is the same."""
    if settings.cache_url is None or not settings.has_own_cache:
        return durable
    return _connect(settings.cache_url.get_secret_value(), settings.timeout, 0)


def explain_fault(fault: Exception) -> str | None:
    """What Redis says against us, as the beginning of a sentence; None when the fault is not of Redis."""
    if isinstance(fault, AuthenticationError | AuthorizationError | NoPermissionError):
        return f"Redis refuses ({fault})"
    if isinstance(fault, OutOfMemoryError):
        return f"Redis has no memory left ({fault})"
    is_of_redis = isinstance(fault, RedisError | RedisClusterException)
    return f"Redis does not answer ({fault})" if is_of_redis else None


async def find_wrong_policies(settings: RedisSettings, durable: RedisClient, cache: RedisClient) -> list[str]:
    """Say what the servers would evict that they must keep, or keep that they should evict. Raises what Redis raises."""
    found = []
    policy = await _policy_when_full(durable)
    if policy not in {None, _NO_EVICTION}:
        found.append(
            f"the Redis at REDIS_URL evicts when it is full (maxmemory-policy {policy}), and may lose the queue, what other"
            " systems read and the counts of limits: set maxmemory-policy noeviction there, and give the cache a Redis of"
            " its own at REDIS_CACHE_URL"
        )
    if settings.has_own_cache and await _policy_when_full(cache) == _NO_EVICTION:
        found.append(
            "the Redis at REDIS_CACHE_URL evicts nothing when it is full, and then keeps nothing new: set"
            " maxmemory-policy allkeys-lru there"
        )
    return found


async def warn_of_policies(settings: RedisSettings, durable: RedisClient, cache: RedisClient) -> None:
    """Log them; a server that cannot be asked is left alone."""
    try:
        for complaint in await find_wrong_policies(settings, durable, cache):
            _log.warning("redis_policy", complaint=complaint)
    except REDIS_FAULTS as fault:
        _log.debug("redis_policy_unknown", error=fault)


async def _policy_when_full(redis: RedisClient) -> str | None:
    """None: it has no limit of memory, so that its policy never comes into effect."""
    memory = await redis.info("memory")
    return str(memory["maxmemory_policy"]) if int(memory["maxmemory"]) else None


def _connect(url: str, timeout: float, blocks: float) -> RedisClient:
    options: dict[str, Any] = {
        "socket_timeout": timeout + blocks,
        "socket_connect_timeout": timeout,
        "retry": Retry(NoBackoff(), 1),
    }
    address = RedisAddress.parse(url)
    if address is None:
        return Redis.from_url(url, **options)
    login: dict[str, Any] = {
        "username": address.username,
        "password": address.password,
        "ssl": address.is_tls,
    }
    if address.kind == "cluster":
        nodes = [ClusterNode(host, port) for host, port in address.nodes]
        return RedisCluster(startup_nodes=nodes, **login, **options)
    sentinels = Sentinel(  # type: ignore[no-untyped-call]  # redis-py types neither this constructor nor `master_for`
        address.nodes,
        sentinel_kwargs={
            "username": address.sentinel_username,
            "password": address.sentinel_password,
            "ssl": address.is_tls,
            **options,
        },
        **login,
        **options,
    )
    primary: Redis = sentinels.master_for(address.primary, redis_class=_WatchedRedis, db=address.database)
    return primary
