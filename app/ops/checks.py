"""Whether the servers behind us answer and have the schema of this release: soon, and without secrets."""

import asyncio
import re
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import structlog
from fastapi import Request

from app.core.db.engine import Database
from app.ops.repository import list_revisions

TIMEOUT = 1.5
"""Seconds that a server has to answer, so that a probe with the usual limit of 2 s gets the reason."""

_MIGRATIONS = Path(__file__).resolve().parents[2] / "alembic"
_abandoned: set["asyncio.Future[Any]"] = set()
_log = structlog.get_logger(__name__)

Name = Literal["postgresql", "schema", "redis"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that requests need: fine, or the reason why not, and how long it took to find out."""

    name: Name
    reason: str | None
    duration_ms: float

    @property
    def is_up(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.reason is None


@cache
def schema_heads() -> frozenset[str]:
    """The migrations that this release expects: those that no other one follows, read from the scripts once.

    Not by Alembic, which would cost every worker ten megabytes for one word.
    """
    scripts = [path.read_text(encoding="utf-8") for path in (_MIGRATIONS / "versions").glob("*.py")]
    revisions, followed = (
        {name for script in scripts for name in re.findall(rf'^{word}\b[^=]*= "(\w+)"', script, re.MULTILINE)}
        for word in ("revision", "down_revision")
    )
    return frozenset(revisions - followed)


async def check_all(request: Request) -> tuple[Check, ...]:
    """Ask PostgreSQL and Redis at the same time. Never raises, and never takes much over `TIMEOUT`."""
    state = request.app.state
    database, (_, reason, duration) = await asyncio.gather(
        _check_database(state.database), ask(state.redis.ping())
    )
    return (*database, Check("redis", reason, duration))


async def _check_database(database: Database) -> tuple[Check, Check]:
    found, reason, duration = await ask(list_revisions(database.reading))
    if reason is not None:
        unknown = "unknown while PostgreSQL does not answer"
        return Check("postgresql", reason, duration), Check("schema", unknown, duration)
    return Check("postgresql", None, duration), Check("schema", await _compare(found), duration)


async def _compare(found: frozenset[str]) -> str | None:
    expected = await asyncio.to_thread(schema_heads)
    if found == expected:
        return None
    stands = f"stands at {', '.join(sorted(found))}" if found else "was never migrated"
    return f"the database {stands}, this release expects {', '.join(sorted(expected))}: run bookstore migrate"


async def ask(question: Awaitable[Any]) -> tuple[Any, str | None, float]:
    """Await the answer; return it, or why there is none, and the milliseconds it took."""
    started = time.perf_counter()
    task = asyncio.ensure_future(question)
    try:
        await asyncio.wait({task}, timeout=TIMEOUT)
    finally:
        if not task.done():
            # Cancelled but not awaited: to hang up politely on a server that hangs takes seconds.
            task.cancel()
            _abandoned.add(task)
            task.add_done_callback(_forget)
    answer, reason = None, None
    if not task.done():
        reason = f"no answer within {TIMEOUT:g} s"
    elif fault := task.exception():
        reason = f"unreachable ({_root(fault)})"
    else:
        answer = task.result()
    return answer, reason, round((time.perf_counter() - started) * 1000, 2)


def _forget(task: "asyncio.Future[Any]") -> None:
    _abandoned.discard(task)
    if not task.cancelled() and task.exception() is not None:
        _log.debug("check_failed_late", error=_root(task.exception()))


def _root(fault: BaseException | None) -> str:
    """The name of what went wrong at the bottom; never its text, which may contain an address or a user."""
    while fault is not None and fault.__cause__ is not None:
        fault = fault.__cause__
    return type(fault).__name__
