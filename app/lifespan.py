"""Opens and closes what the process keeps open: engines, Redis, the cache bus."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

from app.core.redis import warn_of_policies
from app.core.settings.settings import Environment, Settings
from app.ops.publisher import publishing

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Join the cache bus while serving; close every connection at the end."""
    app.state.cache.start()
    app.state.item_views.start()
    app.state.api_key_uses.start()
    app.state.streams.start()
    settings: Settings = app.state.settings
    if settings.environment is Environment.DEVELOPMENT and settings.shows_docs:
        # It takes a second or two, which whoever opens the documentation shall not wait.
        app.state.document = asyncio.create_task(asyncio.to_thread(app.openapi))
    policies = asyncio.create_task(warn_of_policies(settings.redis, app.state.redis, app.state.cache_redis))
    async with publishing(app.state.database, app.state.cache):
        _log.info("started", version=app.version)
        yield
    policies.cancel()
    await app.state.streams.stop()
    await app.state.payment_providers.aclose()
    app.state.breached_passwords.stop()
    await app.state.api_key_uses.stop()
    await app.state.item_views.stop()
    await app.state.rate_limiter.stop()
    await app.state.cache.stop()
    await app.state.cache_redis.aclose()
    await app.state.redis.aclose()
    await app.state.database.close()
    await app.state.observers.aclose()
    _log.info("stopped")
