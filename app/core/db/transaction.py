"""One transaction per request or message: the only place that commits, and it does so before the answer is sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import asyncpg
from fastapi import Depends, Request
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.exc import StaleDataError

from app.core.audit import write_audit
from app.core.cache.hot import HotCache, invalidated_groups
from app.core.db.driver import current_xid
from app.core.db.engine import Database
from app.core.db.faults import Fault, postgres_cause
from app.core.errors import CONSTRAINT_ERRORS, AppError, StaleVersion
from app.core.metrics import count_committed


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction per request: committed after the endpoint returned, before the answer is sent.

    Any exception rolls back, unless its class says `keep_writes`.
    """
    database: Database = request.app.state.database
    try:
        async with transaction(database, request.app.state.cache) as session:
            yield session
    except asyncpg.IntegrityConstraintViolationError as violation:
        # Of a statement that the driver ran itself; SQLAlchemy's are dealt with below.
        raise _domain_error(violation) from violation


@asynccontextmanager
async def transaction(database: Database, cache: HotCache) -> AsyncIterator[AsyncSession]:
    """A session that commits at the end; constraint violations leave as their domain errors."""
    async with database.sessions() as session:
        try:
            yield session
            await _commit(session, cache)
        except AppError as error:
            if not error.keep_writes:
                raise
            await _commit(session, cache)
            raise
        except IntegrityError as violation:
            raise _domain_error(violation) from violation
        except StaleDataError as conflict:
            raise StaleVersion("Somebody else changed it at the same moment; read it again.") from conflict


async def _commit(session: AsyncSession, cache: HotCache) -> None:
    await session.flush()
    groups = invalidated_groups(session)
    if groups:
        await cache.announce(groups, await current_xid(session))
    await write_audit(session)
    await session.commit()
    count_committed(session)


def _domain_error(violation: Exception) -> Exception:
    name = getattr(postgres_cause(violation), "constraint_name", None)
    if name not in CONSTRAINT_ERRORS:
        return violation
    error, field, message = CONSTRAINT_ERRORS[name]
    return error(message, errors=error.about(field, message))


async def get_read_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session for reading only: autocommit, on the replica where one is set, on the primary while that is away."""
    database: Database = request.app.state.database
    async with database.read_sessions() as session:
        if database.replica_engine is None or await _answers(session):
            yield session
            return
    async with AsyncSession(database.read_engine, autoflush=False) as session:
        yield session


async def _answers(session: AsyncSession) -> bool:
    """Whether the replica gives a connection; what it is asked then is asked there."""
    try:
        await session.connection()
    except Exception as fault:
        if Fault.of(fault) is not Fault.UNAVAILABLE:
            raise
        return False
    return True


SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
ReadSessionDep = Annotated[AsyncSession, Depends(get_read_session, scope="function")]
