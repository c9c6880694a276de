"""The engines and session factories of one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from sqlalchemy import event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    async_sessionmaker,
    create_async_engine,
)

from app.core.settings.groups import DatabaseSettings

LOOPBACK = frozenset({None, "localhost", "127.0.0.1", "::1"})

_IDENTITY = text(
    "SELECT (SELECT system_identifier FROM pg_control_system())::text || '-' || oid"
    " FROM pg_database WHERE datname = current_database()"
)


_BEHIND_A_POOLER = {
    # The pooler refuses to be told settings that it does not know; the role has them (`core.db.roles`).
    "server_settings": {"application_name": "bookstore"},
    # Each statement may meet another server, so none is prepared for the next one: asyncpg then sends its text
    # with its values, in one go, under no name.
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}


class Database:
    """The engines and session factories of one process.

    `sessions` writes, in one transaction per request. `read_sessions` runs in autocommit,
    so that a GET costs no BEGIN and COMMIT, on the replica where one is set. `reading`
    lends an autocommit connection to the primary: what is kept in the cache must come
    from there, since a replica lags. Where `is_pooled`, no session of the server's is ours beyond a transaction.
    """

    def __init__(self, settings: DatabaseSettings) -> None:
        self.is_pooled = settings.pooler == "transaction"
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
    server_settings = {"application_name": "bookstore", **settings.session_settings()}
    arguments: dict[str, Any] = {"server_settings": server_settings, "timeout": settings.connect_timeout}
    if settings.pooler == "transaction":
        arguments |= _BEHIND_A_POOLER
    if url.host in LOOPBACK and "ssl" not in url.query:
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
        # Faults name the statement, never its values.
        hide_parameters=True,
        **options,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_unusable_connection)
    return engine


def _read_engine(url: URL, settings: DatabaseSettings) -> AsyncEngine:
    return _engine(
        url, settings, settings.read_pool_size, isolation_level="AUTOCOMMIT", pool_reset_on_return=None
    )


def _refuse_unusable_connection(dbapi_connection: Any, _record: object, _proxy: object) -> None:
    # Costs no round trip: asyncpg knows in what state the server left the connection, and the pool then connects anew.
    driver = dbapi_connection.driver_connection
    if driver.is_closed():
        raise DisconnectionError("the server closed this connection")
    if driver.is_in_transaction():
        # Its rollback was interrupted, and SQLAlchemy took it for done: what is written here, nobody would commit.
        raise DisconnectionError("this connection's last transaction was not ended")
