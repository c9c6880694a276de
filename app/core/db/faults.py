"""What a fault of PostgreSQL, or of another server behind us, means to whoever asked: one table for all."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import TypeVar

import asyncpg
from asyncpg.exceptions._base import DataError as EncodingError
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.redis import REDIS_FAULTS

Result = TypeVar("Result")

UNDEFINED_TABLE = "42P01"
_DRIVERS_OWN = (asyncpg.PostgresError, asyncpg.InterfaceError)
_TRIES = 3
_LONGEST_PAUSE = 0.3
"""Seconds before another attempt at most."""


class Fault(Enum):
    """What can be done about a fault."""

    CONFLICT = "conflict"
    """Gave way to another transaction: gone when the same is done again at once."""
    REFUSED = "refused"
    """The values can never be stored as they are: a constraint, a number out of range."""
    UNAVAILABLE = "unavailable"
    """A server behind us is away or overloaded: trying again later helps."""
    BUG = "bug"
    """Anything else: a fault of ours."""

    @staticmethod
    def of(error: BaseException) -> "Fault":
        """Classify an exception of asyncpg, as it is or within SQLAlchemy's, of Redis or of the network."""
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            return Fault.UNAVAILABLE
        cause = postgres_cause(error)
        for fault, classes in _BY_CLASS:
            if isinstance(cause, classes):
                return fault
        state = sql_state(error)
        return _BY_STATE.get(state) or _BY_STATE.get(state[:2], Fault.BUG)

    @property
    def is_passing(self) -> bool:
        """Whether the same may succeed when it is done again."""
        return self in {Fault.CONFLICT, Fault.UNAVAILABLE}

    @property
    def is_of_rows(self) -> bool:
        """Whether the rows cause it that were to be written: refused, or in conflict however often they were tried."""
        return self in {Fault.CONFLICT, Fault.REFUSED}


_BY_CLASS: tuple[tuple[Fault, tuple[type[BaseException], ...]], ...] = (
    # A value that its type cannot encode, noticed before anything is sent. It is no `asyncpg.DataError`,
    # which the server sends, but an `InterfaceError`; any other of those is about the connection.
    # COPY passes on what the type's own codec raises, of a number that is too large an `OverflowError`.
    (Fault.REFUSED, (EncodingError, OverflowError)),
    # An `InternalClientError` is what a statement meets whose connection the server has just cut off.
    (Fault.UNAVAILABLE, (asyncpg.InterfaceError, asyncpg.InternalClientError, PoolTimeout, *REDIS_FAULTS)),
)
_BY_STATE = {
    "40001": Fault.CONFLICT,  # no serial order
    "40P01": Fault.CONFLICT,  # deadlock
    "55P03": Fault.CONFLICT,  # a lock that was not to be waited for
    "22": Fault.REFUSED,  # data exception
    "23": Fault.REFUSED,  # integrity constraint
    "54": Fault.REFUSED,  # program limit, as an index entry that is too long
    "08": Fault.UNAVAILABLE,  # connection
    "53": Fault.UNAVAILABLE,  # resources
    "57": Fault.UNAVAILABLE,  # operator intervention: shutting down, starting, a statement out of time
}
"""By SQLSTATE, else by its class, which are its first two characters."""
_RACES = frozenset({"23505", "23503"})
"""Refusals that a row of the same moment causes: looked at again, it is found, or found gone."""


def postgres_cause(error: BaseException) -> BaseException:
    """The driver's own exception behind SQLAlchemy's; any other as it is."""
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error):
        # Of a transaction that `core.db.driver` began past SQLAlchemy, which therefore wraps nothing.
        return error.__cause__ or error
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    # SQLAlchemy raises its own exception from asyncpg's, `core.db.driver` passes asyncpg's on as it is.
    return error.orig if isinstance(error.orig, _DRIVERS_OWN) else error.orig.__cause__ or error.orig


def sql_state(error: BaseException) -> str:
    """The five characters by which PostgreSQL names the fault; empty where it named none."""
    return str(getattr(postgres_cause(error), "sqlstate", None) or "")


async def retry_on_conflict(attempt: Callable[[], Awaitable[Result]]) -> Result:
    """Make the attempt, twice more after conflicts and after rows that somebody else wrote at the same moment.

    Each attempt must bring its own transaction or savepoint. The pauses are random, so that two that met
    do not meet again.
    """
    for _ in range(_TRIES - 1):
        try:
            return await attempt()
        except Exception as error:
            if Fault.of(error) is not Fault.CONFLICT and sql_state(error) not in _RACES:
                raise
        await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 (jitter needs no cryptography)
    return await attempt()
