"""How far the work behind the requests is behind: mails and the like.

It informs and decides nothing: requests are served as well while a mail server is slow or no
worker runs, so the API stays ready, and `/health` calls itself degraded.
"""

import asyncio
import math
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from app.core.events.jobs import read_overdue
from app.core.events.outbox import Backlog, read_backlog
from app.core.events.stream import queue_depth
from app.core.metrics import (
    BACKUP_AGE,
    BACKUP_INTERVAL,
    DEAD_LETTERS,
    JOB_OVERDUE,
    OUTBOX_AGE,
    OUTBOX_PENDING,
    QUEUE_DEPTH,
    STOCK_MISMATCHES,
)
from app.ops.checks import ask
from app.ops.queries import BackupAges, backup_ages
from app.ops.schemas import BackgroundOut
from app.sales.inventory.queries import count_mismatches

LATE_AFTER = 60.0
"""Seconds that an event may take before the work counts as late."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """What is known at the moment; None where the server that knows is away, or nothing has happened yet."""

    backlog: Backlog | None
    depth: int | None
    backups: BackupAges | None


async def check_background(request: Request) -> BackgroundOut:
    """Measure what waits, as far as PostgreSQL and Redis answer. Never raises, and never takes long."""
    measured = await _measure(request)
    backlog, depth = measured.backlog, measured.depth
    backups = measured.backups
    status: Literal["ok", "late", "unknown"] = "unknown"
    if backlog is None or backups is None:
        return BackgroundOut(status=status, queue_depth=depth)
    status = "late" if backlog.age > LATE_AFTER else "ok"
    return BackgroundOut(
        status=status,
        outbox_pending=backlog.pending,
        outbox_age_s=round(backlog.age, 1),
        dead_letters=backlog.dead_letters,
        queue_depth=depth,
        backup_age_s=None if backups.dump is None else round(backups.dump),
    )


async def measure_background(request: Request) -> None:
    """Copy the same numbers into the metrics, and what the last proof of the stock came to."""
    measured, mismatches, overdue = await asyncio.gather(
        _measure(request), _ask_stock(request), _ask_jobs(request)
    )
    backlog, depth = measured.backlog, measured.depth
    for name, seconds in overdue.items():
        JOB_OVERDUE.labels(name).set(seconds)
    STOCK_MISMATCHES.set(math.nan if mismatches is None else mismatches)
    OUTBOX_PENDING.set(math.nan if backlog is None else backlog.pending)
    OUTBOX_AGE.set(math.nan if backlog is None else backlog.age)
    DEAD_LETTERS.set(math.nan if backlog is None else backlog.dead_letters)
    QUEUE_DEPTH.set(math.nan if depth is None else depth)
    backups = measured.backups or BackupAges(None, None, math.nan)
    BACKUP_INTERVAL.labels("dump").set(request.app.state.settings.backup.interval)
    BACKUP_INTERVAL.labels("base").set(backups.base_interval)
    BACKUP_AGE.labels("dump").set(math.nan if backups.dump is None else backups.dump)
    BACKUP_AGE.labels("base").set(math.nan if backups.base is None else backups.base)


async def _ask_stock(request: Request) -> int | None:
    async def read() -> int | None:
        async with request.app.state.database.reading() as connection:
            return await count_mismatches(connection)

    mismatches: int | None = (await ask(read()))[0]
    return mismatches


async def _ask_jobs(request: Request) -> dict[str, float]:
    async def read() -> dict[str, float]:
        async with request.app.state.database.reading() as connection:
            return await read_overdue(connection)

    return (await ask(read()))[0] or {}


async def _measure(request: Request) -> _Measured:
    state = request.app.state

    async def read() -> tuple[Backlog, BackupAges]:
        async with state.database.reading() as connection:
            return await read_backlog(connection), await backup_ages(connection)

    (found, _, _), (depth, _, _) = await asyncio.gather(
        ask(read()), ask(queue_depth(state.redis, state.database))
    )
    backlog, backups = found or (None, None)
    return _Measured(backlog, depth, backups)
