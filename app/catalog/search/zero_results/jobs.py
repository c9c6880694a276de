"""The scheduled job that forgets searches which nobody makes any more, or too few."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search.zero_results.service import forget_zero_results
from app.core.clock import utc_now
from app.core.events.jobs import scheduled

KEEP = timedelta(days=90)
MOST_KEPT = 10_000
"""More than anybody reads: whoever makes up words must not fill the disk."""


@scheduled("forget_zero_results", timedelta(hours=1))
async def forget_old_zero_results(session: AsyncSession) -> int:
    """Once an hour."""
    return await forget_zero_results(session, utc_now() - KEEP, MOST_KEPT)
