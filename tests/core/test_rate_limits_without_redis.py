import asyncio

import pytest
from pydantic import SecretStr

from app.core.errors import RateLimited
from app.core.rate_limit import RateLimiter
from app.core.redis import make_redis
from app.core.settings.groups import RateLimitSettings
from app.core.settings.redis import RedisSettings


async def test_redis_that_fails_is_not_asked_for_each_request_and_the_worker_counts_itself() -> None:
    callers = 0

    def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal callers
        del reader
        callers += 1
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    redis = make_redis(RedisSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0")))
    limiter = RateLimiter(RateLimitSettings(search="3/minute"), redis)
    async with server:
        await limiter.check("search", "198.51.100.7")
        asked = callers
        await limiter.check("search", "198.51.100.7")
        await limiter.check("search", "198.51.100.7")
        with pytest.raises(RateLimited):
            await limiter.check("search", "198.51.100.7")
        assert (asked > 0, callers) == (True, asked)
    await redis.aclose()
