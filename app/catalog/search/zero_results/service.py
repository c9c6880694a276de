"""Counting and clearing searches that found nothing."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search.zero_results.errors import ZeroResultNotFound
from app.catalog.search.zero_results.repository import DATABASE_FAULTS, ZeroResultRepository
from app.core.audit import record_audit

Transaction = Callable[[], AbstractAsyncContextManager[AsyncSession]]

_log = structlog.get_logger(__name__)


async def count_zero_result(transaction: Transaction, text: str) -> None:
    """Count the search in a transaction of its own, after the answer went out. Never fails: it is only a count."""
    try:
        async with transaction() as session:
            await ZeroResultRepository(session).count(text)
    except DATABASE_FAULTS as fault:
        _log.warning("zero_result_not_counted", error=fault)


async def clear_zero_result(session: AsyncSession, id_: int) -> None:
    """Forget the search until it is made again. Raises ZeroResultNotFound."""
    query = await ZeroResultRepository(session).delete(id_)
    if query is None:
        raise ZeroResultNotFound(f"There is no search without result {id_}.")
    record_audit(session, "zero_result.cleared", ("zero_result", id_), {"query": (query, None)})


async def forget_zero_results(session: AsyncSession, before: datetime, most: int) -> int:
    """Drop what nobody has searched for since, and all but so many of the most frequent; how many."""
    misses = ZeroResultRepository(session)
    return await misses.delete_older(before) + await misses.delete_beyond(most)
