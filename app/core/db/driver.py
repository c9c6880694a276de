"""Statements that the driver runs itself, for the few reads whose every microsecond counts."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import AnyRow


class DriverStatement:
    """A constant query that SQLAlchemy writes and asyncpg runs: a fifth of a cold read was SQLAlchemy's part in it."""

    def __init__(self, query: Select[Any]) -> None:
        compiled = query.compile(dialect=PGDialect_asyncpg())  # type: ignore[no-untyped-call]  # left untyped by SQLAlchemy
        self._text = str(compiled)
        self._constants: Mapping[str, Any] = compiled.params
        self._names: Sequence[str] = getattr(compiled, "positiontup", None) or ()
        self._row: Any = _row_of(query.selected_columns.keys())

    async def one_or_none(self, connection: AsyncConnection, **values: object) -> AnyRow | None:
        """The row for these bound values, if there is one; a fault leaves as SQLAlchemy's own."""
        driver: Any = (await connection.get_raw_connection()).driver_connection
        given = {**self._constants, **values}
        try:
            record = await driver.fetchrow(self._text, *(given[name] for name in self._names))
        except asyncpg.PostgresError as fault:
            raise DBAPIError(self._text, values, fault) from fault
        except asyncpg.InterfaceError as fault:
            raise InterfaceError(self._text, values, fault) from fault
        return None if record is None else self._row(*record)


def _row_of(names: Iterable[str]) -> Any:
    return namedtuple("Row", names)  # noqa: PYI024 - its fields are known at run time alone
