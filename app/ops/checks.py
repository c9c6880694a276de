"""Whether the servers behind us answer and have a schema that this release can work with: soon, and without secrets."""

import asyncio
import re
import time
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import structlog
from fastapi import Request

from app.core.db.engine import Database
from app.core.redis import RedisClient
from app.ops.queries import list_revisions

TIMEOUT = 1.5
"""Seconds that a server has to answer, so that a probe with the usual limit of 2 s gets the reason."""

_MIGRATIONS = Path(__file__).resolve().parents[2] / "alembic"
_abandoned: set["asyncio.Future[Any]"] = set()
_log = structlog.get_logger(__name__)

Name = Literal["postgresql", "schema", "redis", "redis_cache"]


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

    @property
    def is_missed(self) -> bool:
        """Whether a server without it is better left out; the cache's Redis may be lost, for all servers at once."""
        return not self.is_up and self.name != "redis_cache"


@cache
def _migrations() -> tuple[frozenset[str], frozenset[str]]:
    """All migrations that this release knows, and those of them that another one follows; read from the scripts once.

    Not by Alembic, which would cost every worker ten megabytes for one word.
    """
    scripts = [path.read_text(encoding="utf-8") for path in (_MIGRATIONS / "versions").glob("*.py")]
    known, followed = (
        {name for script in scripts for name in re.findall(rf'^{word}\b[^=]*= "(\w+)"', script, re.MULTILINE)}
        for word in ("revision", "down_revision")
    )
    return frozenset(known), frozenset(followed)


def schema_heads() -> frozenset[str]:
    """The newest migrations of this release: those that no other one follows."""
    known, followed = _migrations()
    return known - followed


def knows_schema(revisions: Collection[str]) -> bool:
    """Whether this release has every one of these migrations, and so can bring a database at them to its own."""
    known, _ = _migrations()
    return known.issuperset(revisions)


def schema_fault(found: frozenset[str]) -> str | None:
    """Why this release cannot work with a database at these migrations; nothing if it can.

    A migration that it does not know belongs to a newer release, which may add to what this one uses, and takes
    nothing away before this one is gone. An older one lacks something.
    """
    _, followed = _migrations()
    if found and not found & followed:
        return None
    stands = f"stands at {', '.join(sorted(found))}" if found else "was never migrated"
    expected = ", ".join(sorted(schema_heads()))
    return f"the database {stands}, this release needs {expected} or a newer one: run bookstore migrate"


async def check_all(request: Request) -> tuple[Check, ...]:
    """Ask PostgreSQL and Redis at the same time. Never raises, and never takes much over `TIMEOUT`."""
    state = request.app.state
    servers: dict[Name, RedisClient] = {"redis": state.redis}
    if state.settings.redis.has_own_cache:
        servers["redis_cache"] = state.cache_redis
    database, *answers = await asyncio.gather(
        _check_database(state.database), *(ask(server.ping()) for server in servers.values())
    )
    found = zip(servers, answers, strict=True)
    return (*database, *(Check(name, reason, duration) for name, (_, reason, duration) in found))


async def _check_database(database: Database) -> tuple[Check, Check]:
    found, reason, duration = await ask(list_revisions(database.reading))
    if reason is not None:
        unknown = "unknown while PostgreSQL does not answer"
        return Check("postgresql", reason, duration), Check("schema", unknown, duration)
    fault = await asyncio.to_thread(schema_fault, found)
    return Check("postgresql", None, duration), Check("schema", fault, duration)


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
