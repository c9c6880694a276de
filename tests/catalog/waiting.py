"""Tests of locks go on when PostgreSQL makes somebody wait, not after some time."""

import asyncio
from typing import Any

from fastapi import FastAPI
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def hold(session: AsyncSession, table: str, row_id: int, how: str = "UPDATE NOWAIT") -> None:
    """Lock the row, that of a book's document by the book's id, until the session's transaction ends."""
    column = {"book_documents": "book_id"}.get(table, "id")
    await session.execute(text(f"SELECT FROM {table} WHERE {column} = :id FOR {how}"), {"id": row_id})


async def until_somebody_waits(
    app: FastAPI, who: TextClause = WAITING, *, unless: "asyncio.Future[Any] | None" = None
) -> None:
    """Come back as soon as a statement waits for a lock, or `unless` is done; `who` counts those that are meant."""
    async with asyncio.timeout(15), app.state.database.reading() as connection:
        while not (unless is not None and unless.done()) and not await connection.scalar(who):
            await asyncio.sleep(0.01)
