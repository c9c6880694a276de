"""The database: engines, sessions, and the only place that commits."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from sqlalchemy import ColumnElement, Text, cast, event, func, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm.exc import StaleDataError

from app.core.audit import write_audit
from app.core.cache import HotCache, invalidated_groups
from app.core.errors import CONSTRAINT_ERRORS, AppError, StaleVersion
from app.core.setting_groups import DatabaseSettings

LOOPBACK = frozenset({None, "localhost", "127.0.0.1", "::1"})

snapshot_text: ColumnElement[str] = cast(func.pg_current_snapshot(), Text).label("snapshot")
"""The statement's own snapshot, for `core.cache.Snapshot`."""

_CURRENT_XID = select(cast(func.pg_current_xact_id(), Text))
_IDENTITY = text(
    "SELECT (SELECT system_identifier FROM pg_control_system())::text || '-' || oid"
    " FROM pg_database WHERE datname = current_database()"
)


class Database:
    """The engines and session factories of one process.

    `sessions` writes, in one transaction per request. `read_sessions` runs in autocommit,
    so that a GET costs no BEGIN and COMMIT, on the replica where one is set. `reading`
    lends an autocommit connection to the primary: what is kept in the cache must come
    from there, since a replica lags.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        url = make_url(settings.url.get_secret_value())
        self.engine = _engine(url, settings, settings.pool_size)
        self.read_engine = _read_engine(url, settings)
        self.replica_engine: AsyncEngine | None = None
        if settings.replica_url is not None:
            self.replica_engine = _read_engine(make_url(settings.replica_url.get_secret_value()), settings)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.read_sessions = async_sessionmaker(self.replica_engine or self.read_engine, autoflush=False)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """An autocommit connection to the primary, for one statement."""
        async with self.read_engine.connect() as connection:
            yield connection

    async def identity(self) -> str:
        """Which cluster and database this is, so that caches of another are never mixed up."""
        try:
            async with self.reading() as connection:
                return str(await connection.scalar(_IDENTITY))
        except DBAPIError as fault:
            raise ConnectionError("PostgreSQL does not answer") from fault

    async def close(self) -> None:
        """Close every connection."""
        for engine in (self.engine, self.read_engine, self.replica_engine):
            if engine is not None:
                await engine.dispose()

    def engines(self) -> dict[str, AsyncEngine]:
        """The engines by name, for metrics."""
        named = {"write": self.engine, "read": self.read_engine, "replica": self.replica_engine}
        return {name: engine for name, engine in named.items() if engine is not None}


def _engine(url: URL, settings: DatabaseSettings, pool_size: int, **options: Any) -> AsyncEngine:
    milliseconds = str(int(settings.statement_timeout * 1000))
    server_settings = {
        "application_name": "bookstore",
        "timezone": "UTC",
        "statement_timeout": milliseconds,
        "idle_in_transaction_session_timeout": milliseconds,
        "jit": "off",
        # A request is one of many: starting helpers for it takes longer than most of them last.
        "max_parallel_workers_per_gather": "0",
    }
    arguments: dict[str, Any] = {"server_settings": server_settings, "timeout": settings.connect_timeout}
    if url.host in LOOPBACK:
        arguments["ssl"] = False
    engine = create_async_engine(
        url,
        pool_size=pool_size,
        # Overflow connections are closed on return, which costs more than waiting.
        max_overflow=0,
        pool_timeout=settings.pool_timeout,
        pool_use_lifo=True,
        connect_args=arguments,
        json_deserializer=orjson.loads,
        **options,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed_connection)
    return engine


def _read_engine(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    return _engine(
        url, settings, settings.read_pool_size, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
    )


def _refuse_closed_connection(dbapi_connection: Any, _record: object, _proxy: object) -> None:
    # Costs no round trip: asyncpg knows that the server hung up, and the pool then connects anew.
    if dbapi_connection.driver_connection.is_closed():
        raise DisconnectionError("the server closed this connection")


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """One transaction per request: committed after the endpoint returned, before the answer is sent.

    Any exception rolls back, unless its class says `keep_writes`.
    """
    database: Database = request.app.state.database
    async with transaction(database, request.app.state.cache) as session:
        yield session


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
        xid = int(await session.scalar(_CURRENT_XID) or 0)
        await cache.announce(groups, xid)
    await write_audit(session)
    await session.commit()


def _domain_error(violation: IntegrityError) -> Exception:
    name = getattr(violation.orig.__cause__, "constraint_name", None) if violation.orig else None
    if name not in CONSTRAINT_ERRORS:
        return violation
    error, field, message = CONSTRAINT_ERRORS[name]
    return error(message, errors=[{"field": field, "message": message, "type": error.code}])


async def get_read_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session for reading only: autocommit, on the replica where one is set."""
    database: Database = request.app.state.database
    async with database.read_sessions() as session:
        yield session


SessionDep = Annotated[AsyncSession, Depends(get_session, scope="function")]
ReadSessionDep = Annotated[AsyncSession, Depends(get_read_session, scope="function")]
