"""The driver under SQLAlchemy: for set-based writes of many rows, and for reads whose every microsecond counts."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import asyncpg
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.queries import AnyRow

DriverConnection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

# OFFSET 0: the sequence is looked up once, not for each id.
_RESERVE_IDS = """
    SELECT nextval(sequence)
    FROM (SELECT pg_get_serial_sequence($1, 'id')::regclass AS sequence OFFSET 0) AS found, generate_series(1, $2::integer)
"""


async def driver_connection(session: AsyncSession) -> DriverConnection:
    """Return the driver's own connection, in the session's transaction.

    What it runs does not see what the session has not flushed, and its faults are the driver's.
    """
    raw = await (await session.connection()).get_raw_connection()
    connection: DriverConnection = raw.driver_connection  # type: ignore[assignment]  # asyncpg's, behind SQLAlchemy's adapter
    if not connection.is_in_transaction():
        # SQLAlchemy begins the transaction with the first statement of its own.
        await session.execute(select(1))
    return connection


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

    async def one_or_none(self, connection: AsyncConnection, **values: object) -> AnyRow | None:
        """Find the row for these bound values, if there is one; a fault leaves as SQLAlchemy's own."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        given = {**self._constants, **values}
        try:
            record = await driver.fetchrow(self._text, *(given[name] for name in self._names))
        except asyncpg.PostgresError as fault:
            raise DBAPIError(self._text, values, fault, hide_parameters=True) from fault
        except asyncpg.InterfaceError as fault:
            raise InterfaceError(self._text, values, fault, hide_parameters=True) from fault
        return None if record is None else self._row(*record)


def _row_of(names: Iterable[str]) -> Any:
    return namedtuple("Row", names)  # noqa: PYI024 - its fields are known at run time alone
