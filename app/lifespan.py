"""Opens and closes what the process holds: engines, Redis, the cache bus."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from fastapi import FastAPI

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Join the cache bus while serving; close every connection at the end."""
    app.state.cache.start()
    _log.info("started", version=app.version)
    yield
    await app.state.cache.stop()
    await app.state.redis.aclose()
    await app.state.database.close()
    _log.info("stopped")
