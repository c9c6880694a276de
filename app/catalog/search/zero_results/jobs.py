"""The scheduled job that forgets searches which nobody makes any more."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.search.zero_results.service import forget_zero_results
from app.core.clock import utc_now
from app.core.jobs import scheduled

KEEP = timedelta(days=90)


@scheduled("forget_zero_results", timedelta(days=1))
async def forget_old_zero_results(session: AsyncSession) -> int:
    """Once a day."""
    return await forget_zero_results(session, utc_now() - KEEP)
