"""Loads the demo shop into an empty database, in one transaction: all of it or nothing."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Author, Category, Item, Series, Work
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.db.locks import AdvisoryLock, acquire
from app.core.settings.settings import Settings
from app.demo.accounts import ACCOUNTS, PASSWORD
from app.demo.catalogue import Catalogue
from app.demo.tables import NumberedShop, Table
from app.identity.models import User
from app.identity.passwords import hash_password

Report = Callable[[str, int, int], None]
"""Hears which table is being filled, how many rows are in by now, and how many there will be."""

"""Any fixed number: of two loads at once, one waits and then finds the database filled."""
_STATEMENT_TIMEOUT = "60s"
_CHUNK = 500


class DemoRefused(Exception):
    """The demo does not belong here; the text says why and what to do."""


class DatabaseNotEmpty(DemoRefused):
    """Somebody's data is there already."""


async def load_demo(session: AsyncSession, settings: Settings, report: Report) -> Catalogue:
    """Fill the empty database, rows unseen by others until the commit. DemoRefused, DatabaseNotEmpty."""
    refuse_in_production(settings)
    await lock_for_loading(session)
    await _refuse_unless_empty(session)
    catalogue = Catalogue.read()
    hashes = await asyncio.gather(*(hash_password(PASSWORD) for _ in ACCOUNTS))
    ids = {
        "users": await reserve(session, User, len(ACCOUNTS)),
        "categories": await reserve(session, Category, len(catalogue.categories)),
        "authors": await reserve(session, Author, len(catalogue.authors)),
        "series": await reserve(session, Series, len(catalogue.series)),
        # At most one work for each book; what editions share stays unused.
        "works": await reserve(session, Work, len(catalogue.books)),
        "items": await reserve(session, Item, len(catalogue.items)),
    }
    tables = NumberedShop(catalogue, hashes, settings.currency, ids).tables()
    await copy_tables(session, tables, report)
    await analyze(session, tables)
    invalidate(session, EVERYTHING)
    return catalogue


def refuse_in_production(settings: Settings) -> None:
    """DemoRefused, unless the settings are those of development."""
    if settings.in_production:
        raise DemoRefused(
            "demo accounts have a public password, so they are loaded in development only:"
            " set ENVIRONMENT=development if this is no shop that anybody relies on."
        )


async def lock_for_loading(session: AsyncSession) -> None:
    """Keep other loads out until the transaction ends, and let statements take their time."""
    # A slow machine may need longer for a chunk than a request may take.
    await session.execute(select(func.set_config("statement_timeout", _STATEMENT_TIMEOUT, True)))  # noqa: FBT003 (until the transaction ends)
    await session.execute(acquire(AdvisoryLock.DEMO))


async def _refuse_unless_empty(session: AsyncSession) -> None:
    for model in (User, Item, Author, Category):
        if await session.scalar(select(model.id).limit(1)) is not None:
            raise DatabaseNotEmpty(
                f"the database has {model.__tablename__} already, and the demo is for an empty one:"
                " name another in DATABASE_URL, or skip it with --if-empty."
            )


async def reserve(session: AsyncSession, model: type[Any], count: int) -> list[int]:
    """Ids from the table's own sequence, so that the next row of a client gets one that is free."""
    sequence = select(func.pg_get_serial_sequence(model.__tablename__, "id")).scalar_subquery()
    statement = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
    return list(await session.scalars(statement))


async def copy_tables(session: AsyncSession, tables: Sequence[Table], report: Report) -> None:
    """COPY, on the connection and in the transaction of the session: ten times as fast as INSERT."""
    raw = await (await session.connection()).get_raw_connection()
    connection: Any = raw.driver_connection
    total, done = sum(len(table.rows) for table in tables), 0
    for table in tables:
        for start in range(0, len(table.rows), _CHUNK):
            report(table.name, done, total)
            chunk = table.rows[start : start + _CHUNK]
            await connection.copy_records_to_table(table.name, columns=table.columns.split(), records=chunk)
            done += len(chunk)
    report("all", done, total)


async def analyze(session: AsyncSession, tables: Sequence[Table]) -> None:
    """Tell the planner what the tables are like by now."""
    for table in tables:
        await session.execute(text(f"ANALYZE {table.name}"))
