"""The one question that operators' endpoints ask PostgreSQL."""

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db.faults import UNDEFINED_TABLE, sql_state
from app.core.db.queries import Connect

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
