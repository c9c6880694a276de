"""Many rows, some at a time: streams that read them, and purges that delete them."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import KeyedColumnElement

from app.core.db.queries import AnyRow, Connect

STREAMED_AT_ONCE = 500
"""Rows that a stream reads and writes at once: a few milliseconds between which other requests run."""

DELETED_AT_ONCE = 50_000
"""Rows that one statement of a purge deletes, so that none takes long; the next run deletes more."""


async def walk_rows(
    connect: Connect, statement: Select[*tuple[Any, ...]], key: KeyedColumnElement[int]
) -> AsyncIterator[Sequence[AnyRow]]:
    """Read the rows in batches, in the order of a key above 0 that is among their columns.

    Each batch is a statement on a connection of its own, so that a slow reader holds none.
    """
    batch = statement.order_by(key).limit(STREAMED_AT_ONCE)
    last = 0
    while True:
        async with connect() as connection:
            rows = (await connection.execute(batch.where(key > last))).all()
        if rows:
            yield rows
        if len(rows) < STREAMED_AT_ONCE:
            return
        last = getattr(rows[-1], key.key)


async def delete_some(
    session: AsyncSession,
    key: InstrumentedAttribute[Any],
    condition: ColumnElement[bool],
    most: int = DELETED_AT_ONCE,
) -> int:
    """Delete rows that meet the condition, at most so many; how many it deleted."""
    some = select(key).where(condition).limit(most).scalar_subquery()
    gone = delete(key.class_).where(key.in_(some)).returning(key)
    return len((await session.scalars(gone)).all())
