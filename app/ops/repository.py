"""The one question that operators' endpoints ask PostgreSQL."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.faults import UNDEFINED_TABLE, sql_state

_REVISIONS = text("SELECT version_num FROM alembic_version")


async def list_revisions(connection: AsyncConnection) -> frozenset[str]:
    """The migrations that the database stands at; none when it was never migrated."""
    try:
        return frozenset((await connection.scalars(_REVISIONS)).all())
    except DBAPIError as fault:
        if sql_state(fault) == UNDEFINED_TABLE:
            return frozenset()
        raise
