"""Tests of locks go on when PostgreSQL makes somebody wait, not after some time."""

import asyncio

from fastapi import FastAPI
from sqlalchemy import TextClause, text

WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


async def until_somebody_waits(app: FastAPI, who: TextClause = WAITING) -> None:
    """Come back as soon as a statement waits for a lock; `who` counts those that are meant."""
    async with asyncio.timeout(15), app.state.database.reading() as connection:
        while not await connection.scalar(who):
            await asyncio.sleep(0.01)
