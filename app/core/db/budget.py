"""The budget of connections: what all processes may open at once must fit into what PostgreSQL accepts.

Gunicorn's master asks, so this imports nothing that defines metrics: those belong to the workers.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.core.db.faults import Fault
from app.core.settings.groups import DatabaseSettings
from app.core.settings.settings import SettingsError

_LIMITS = text("""
    SELECT least(
        current_setting('max_connections')\\:\\:int - current_setting('superuser_reserved_connections')\\:\\:int
            - current_setting('reserved_connections')\\:\\:int,
        nullif(rolconnlimit, -1), nullif(datconnlimit, -1)
    ) FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
""")
"""Whichever is least: of the server, of our role (CONNECTION LIMIT), of our database."""


async def check_connections(settings: DatabaseSettings, processes: int) -> str | None:
    """Compare the pools of so many processes, or of DATABASE_PROCESSES, with the limit; a line for the log.

    None where PostgreSQL does not answer, or a pooler stands between. Raises SettingsError when they do not fit.
    """
    if settings.pooler != "none":
        return None
    engine = create_async_engine(
        settings.url.get_secret_value(),
        poolclass=NullPool,
        connect_args={"timeout": settings.connect_timeout},
    )
    try:
        async with engine.connect() as connection:
            limit = int(await connection.scalar(_LIMITS) or 0)
    except Exception as fault:
        if Fault.of(fault) is Fault.BUG:
            raise
        return None
    finally:
        await engine.dispose()
    counted = settings.processes or processes
    name = "DATABASE_PROCESSES" if settings.processes else "WEB_CONCURRENCY"
    each = settings.pool_size + settings.read_pool_size
    sum_up = (
        f"{counted} processes ({name}) x {each} connections (DATABASE_POOL_SIZE + DATABASE_READ_POOL_SIZE)"
        f" = {counted * each}"
    )
    if counted * each > limit:
        raise SettingsError(
            f"{sum_up}, but PostgreSQL accepts {limit} (max_connections without what is reserved, or the CONNECTION LIMIT"
            " of role or database): lower one of them, raise the limit, or put PgBouncer between (DATABASE_POOLER)."
        )
    unknown = "" if settings.processes else "; this host alone: DATABASE_PROCESSES counts all, workers too"
    return f"{sum_up} of {limit}{unknown}"
