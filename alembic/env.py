"""Runs migrations: one runner at a time (advisory lock), and never waiting long for a table lock."""

import asyncio

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from alembic import context
from app import registry
from app.core.db.locks import AdvisoryLock
from app.core.db.models import Base
from app.core.settings.settings import load_database_settings

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "15min"

registry.load()


def _configure(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_server_default=True,
        # Each revision commits by itself, so that a CONCURRENTLY step can stand alone.
        transaction_per_migration=True,
    )


def _migrate(connection: Connection) -> None:
    _configure(connection)
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    url = load_database_settings().migrating_url
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as guard, engine.connect() as connection:
        # Whoever has it migrates; the others wait and then find nothing to do.
        await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": int(AdvisoryLock.MIGRATIONS)})
        await guard.commit()
        await connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        await connection.execute(text(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'"))
        await connection.commit()
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    context.configure(
        dialect_name="postgresql",
        target_metadata=Base.metadata,
        literal_binds=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(_run())
