"""What operators' endpoints ask PostgreSQL."""

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.faults import UNDEFINED_TABLE, sql_state
from app.core.db.queries import Connect

# docker/postgres/archiving.conf sets how often base backups are made: nobody else makes them by our program.
_BACKUPS = text("""
SELECT extract(epoch FROM clock_timestamp() - max(snapshot_at) FILTER (WHERE name NOT LIKE 'base-%'))::float8,
  extract(epoch FROM clock_timestamp() - max(snapshot_at) FILTER (WHERE name LIKE 'base-%'))::float8,
  extract(epoch FROM coalesce(current_setting('bookstore.base_backup_every', true), '0')::interval)::float8
FROM last_backup
""")
_REVISIONS = text("SELECT version_num FROM alembic_version")


async def list_revisions(connect: Connect) -> frozenset[str]:
    """List the migrations that the database stands at; none when it was never migrated."""
    try:
        async with connect() as connection:
            return frozenset((await connection.scalars(_REVISIONS)).all())
    except DBAPIError as fault:
        if sql_state(fault) == UNDEFINED_TABLE:
            return frozenset()
        raise


class BackupAges(NamedTuple):
    """Seconds since the moment that the last backup of each kind shows, None before the first; seconds between two base
    backups, 0 where PostgreSQL's log is not archived by docker/postgres/wal.
    """

    dump: float | None
    base: float | None
    base_interval: float


async def backup_ages(connection: AsyncConnection) -> BackupAges:
    """How old the last backups are."""
    return BackupAges(*(await connection.execute(_BACKUPS)).one())
