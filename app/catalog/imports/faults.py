"""Which faults of PostgreSQL pass by themselves, which are a row's own, and how a row is told of one."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import asyncpg
import structlog

from app.catalog.formats.record import RowProblem
from app.core.errors import CONSTRAINT_ERRORS
from app.core.events.events import RetryAfter
from app.core.http.problems import is_unavailable

COLLISIONS: tuple[type[Exception], ...] = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.UniqueViolationError,
    asyncpg.ForeignKeyViolationError,
)
"""Somebody else wrote the same at the same moment: looked at again, it is most likely different."""
REFUSALS: tuple[type[Exception], ...] = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.exceptions.DataError,
    *COLLISIONS,
)
"""A row of the batch cannot be written."""
_AWAY = (
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)
_TRIES = 3
_LONGEST_PAUSE = 0.3
_PAUSE = 5.0
"""Seconds until what a server behind us broke off is tried again."""
_log = structlog.get_logger(__name__)

Result = TypeVar("Result")


async def retry_on_conflict(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """What the attempt gives, made again after a collision."""
    for _ in range(_TRIES - 1):
        try:
            return await attempt()
        except COLLISIONS:
            await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 (jitter needs no cryptography)
    return await attempt()


def is_passing(fault: Exception) -> bool:
    """Whether a server behind us is away, so that the import goes on later by itself."""
    return isinstance(fault, _AWAY) or is_unavailable(fault)


@asynccontextmanager
async def retry_when_unavailable() -> AsyncIterator[None]:
    """A server behind us that is away is waited for, however long.

    Each look for one's turn was an attempt: counted on, one fault more would be the last, and the
    job would never end.
    """
    try:
        yield
    except Exception as fault:
        if is_passing(fault):
            _log.warning("import_broken_off", error=repr(fault))
            raise RetryAfter("a server behind us is away", _PAUSE) from fault
        raise


def problem_of(fault: Exception) -> RowProblem:
    """What the row is told, by the name of the constraint where there is one."""
    name = getattr(fault, "constraint_name", None)
    if name in CONSTRAINT_ERRORS:
        error, field, message = CONSTRAINT_ERRORS[name]
        return RowProblem(field, message, error.code)
    return RowProblem("row", f"The database refuses it: {str(fault).splitlines()[0]}", "refused")
