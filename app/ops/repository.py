"""What operators' endpoints ask PostgreSQL."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.faults import UNDEFINED_TABLE, sql_state
from app.core.db.queries import Connect

_BACKUP_AGE = text("SELECT extract(epoch FROM clock_timestamp() - max(snapshot_at))::float8 FROM last_backup")
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


async def backup_age(connection: AsyncConnection) -> float | None:
    """Seconds since the moment that the last backup shows; nothing if there was none."""
    age: float | None = await connection.scalar(_BACKUP_AGE)
    return age
