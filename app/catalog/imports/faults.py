"""Which faults of PostgreSQL pass by themselves, which are a row's own, and how a row is told of one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from app.catalog.formats.record import RowProblem
from app.core.db.faults import Fault, postgres_cause
from app.core.errors import CONSTRAINT_ERRORS
from app.core.events.events import RetryAfter

_PAUSE = 5.0
"""Seconds until what a server behind us broke off is tried again."""
_log = structlog.get_logger(__name__)


def is_refusal(fault: Exception) -> bool:
    """Whether a row of the batch cannot be written: refused, or in the way of others however often it was tried."""
    return Fault.of(fault) in {Fault.REFUSED, Fault.CONFLICT}


@asynccontextmanager
async def retry_when_unavailable() -> AsyncIterator[None]:
    """A server behind us that is away is waited for, however long.

    Each look for one's turn was an attempt: counted on, one fault more would be the last, and the
    job would never end.
    """
    try:
        yield
    except Exception as fault:
        if Fault.of(fault).is_passing:
            _log.warning("import_broken_off", error=repr(fault))
            raise RetryAfter("a server behind us is away", _PAUSE) from fault
        raise


def fault_problem(fault: Exception) -> RowProblem:
    """What the row is told, by the name of the constraint where there is one."""
    cause = postgres_cause(fault)
    name = getattr(cause, "constraint_name", None)
    if name in CONSTRAINT_ERRORS:
        error, field, message = CONSTRAINT_ERRORS[name]
        return RowProblem(field, message, error.code)
    return RowProblem("row", f"The database refuses it: {str(cause).splitlines()[0]}", "refused")
