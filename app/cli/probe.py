"""Asks PostgreSQL and Redis once before a command that waits for them, so that a wrong address is reported by its variable."""

import asyncio

import typer

from app.cli.remedies import NO_SCHEMA, remedy
from app.core.db.budget import check_connections
from app.core.db.engine import Database
from app.core.redis import find_wrong_policies, make_cache_redis, make_redis
from app.core.settings.groups import DatabaseSettings
from app.core.settings.redis import RedisSettings
from app.core.settings.settings import Settings
from app.ops.checks import schema_fault
from app.ops.queries import list_revisions


def warn_of_servers_away(settings: Settings) -> None:
    """Print a line for each server that has something wrong; the command starts all the same, and waits for it."""
    for complaint in asyncio.run(_complaints(settings)):
        typer.echo(f"bookstore: {complaint}", err=True)


async def _complaints(settings: Settings) -> list[str]:
    found = await asyncio.gather(_ask_postgresql(settings.database), _ask_redis(settings.redis))
    return [complaint for complaint in found if complaint]


async def _ask_postgresql(settings: DatabaseSettings) -> str | None:
    database = Database(settings)
    try:
        await check_connections(settings, processes=1)
        revisions = await list_revisions(database.reading)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the command will meet it again
        return remedy(fault)
    finally:
        await database.close()
    return NO_SCHEMA if schema_fault(revisions) else None


async def _ask_redis(settings: RedisSettings) -> str | None:
    redis = make_redis(settings)
    cache = make_cache_redis(settings, redis)
    try:
        await asyncio.gather(redis.ping(), cache.ping())
        return "\n".join(await find_wrong_policies(settings, redis, cache)) or None
    except Exception as fault:  # noqa: BLE001 - as above
        return remedy(fault)
    finally:
        await cache.aclose()
        await redis.aclose()
