"""The one question that operators' endpoints ask PostgreSQL."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

_REVISIONS = text("SELECT version_num FROM alembic_version")
_UNDEFINED_TABLE = "42P01"


async def list_revisions(connection: AsyncConnection) -> frozenset[str]:
    """The migrations that the database stands at; none when it was never migrated."""
    try:
        return frozenset((await connection.scalars(_REVISIONS)).all())
    except DBAPIError as fault:
        if getattr(fault.orig, "sqlstate", None) == _UNDEFINED_TABLE:
            return frozenset()
        raise
