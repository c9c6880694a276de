"""The driver under SQLAlchemy: for set-based writes of many rows, and for reads whose every microsecond counts."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.queries import AnyRow

DriverConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Connection: TypeAlias = AsyncConnection | AsyncSession
"""Where a statement runs: a session stands for the connection of its transaction."""
Records: TypeAlias = "Sequence[asyncpg.Record]"

_CONNECTION = "connection"
_XID = "xid"
_CURRENT_XID = "SELECT pg_current_xact_id()::text"
# OFFSET 0: the sequence is looked up once, not for each id.
_RESERVE_IDS = """
    SELECT nextval(sequence)
    FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS sequence OFFSET 0) AS found, generate_series(1, $2::integer)
"""


async def driver_connection(session: AsyncSession) -> DriverConnection:
    """Return the driver's own connection, in the session's transaction.

    What it runs does not see what the session has not flushed, and its faults are the driver's.
    """
    return await _begun(await connection_of(session))


async def connection_of(session: AsyncSession) -> AsyncConnection:
    """The connection of the session's transaction, which SQLAlchemy looks up once for all of it."""
    kept: AsyncConnection | None = session.info.get(_CONNECTION)
    # In `begin_nested` SQLAlchemy must be asked: its savepoint is made when the connection is looked up.
    if kept is None or kept.closed or session.in_nested_transaction() or not session.in_transaction():
        kept = session.info[_CONNECTION] = await session.connection()
    return kept


async def _begun(connection: AsyncConnection) -> DriverConnection:
    """The driver's connection, in a transaction unless each statement commits itself."""
    raw: Any = connection.sync_connection.connection if connection.sync_connection else None
    driver: DriverConnection = raw.driver_connection
    if not driver.is_in_transaction():
        # SQLAlchemy would begin with the first statement of its own; to have none of those saves a round trip.
        await raw.dbapi_connection._start_transaction()  # noqa: SLF001 (there is no public way)
    return driver


def remember_xid(session: AsyncSession, xid: str) -> None:
    """Note the id of the session's transaction, of which some statement told by the way."""
    session.info[_XID] = (session.sync_session.get_transaction(), int(xid))


async def current_xid(session: AsyncSession) -> int:
    """The id of the session's transaction, asked for unless it is known."""
    known = session.info.get(_XID)
    if known is not None and known[0] is session.sync_session.get_transaction():
        return int(known[1])
    [[xid]] = await fetch(session, _CURRENT_XID)
    return int(xid)


async def reserve_ids(connection: DriverConnection, table: str, count: int) -> Sequence[int]:
    """Take ids from the table's own sequence, so that the next row of anybody gets one that is free."""
    return [row[0] for row in await connection.fetch(_RESERVE_IDS, table, count)]


class DriverStatement:
    """A constant query that SQLAlchemy writes and asyncpg runs: a fifth of a cold read was SQLAlchemy's part in it."""

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        compiled = query.compile(dialect=PGDialect_asyncpg())  # type: ignore[no-untyped-call]  # left untyped by SQLAlchemy
        self._text = str(compiled)
        self._constants: Mapping[str, Any] = compiled.params
        self._names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._row: Any = _row_of(query.selected_columns.keys())

    async def one_or_none(self, connection: Connection, **values: object) -> AnyRow | None:
        """Find the row for these bound values, if there is one; a fault leaves as SQLAlchemy's own."""
        records = await self.records(connection, **values)
        return self._row(*records[0]) if records else None

    async def records(self, connection: Connection, **values: object) -> Records:
        """Find all rows for these bound values, as the driver gives them; faults as above."""
        given = {**self._constants, **values}
        return await fetch(connection, self._text, *(given[name] for name in self._names))


async def fetch(connection: Connection, statement: str, *values: object) -> Records:
    """Have the driver run the statement, in the connection's transaction; a fault leaves as SQLAlchemy's own.

    What the session has not flushed it does not see.
    """
    try:
        if isinstance(connection, AsyncSession):
            connection = await connection_of(connection)
        return await (await _begun(connection)).fetch(statement, *values)
    except asyncpg.IntegrityConstraintViolationError as fault:
        raise IntegrityError(statement, values, fault, hide_parameters=True) from fault
    except asyncpg.PostgresError as fault:
        raise DBAPIError(statement, values, fault, hide_parameters=True) from fault
    except asyncpg.InterfaceError as fault:
        raise InterfaceError(statement, values, fault, hide_parameters=True) from fault


def _row_of(names: Iterable[str]) -> Any:
    return namedtuple("Row", names, rename=True)  # noqa: PYI024 - its fields are known at run time alone
