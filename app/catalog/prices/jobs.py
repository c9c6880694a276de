"""The scheduled job that lets planned prices begin and end."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.prices.service import apply_schedules
from app.core.clock import utc_now
from app.core.events.jobs import scheduled


@scheduled("apply_price_schedules", timedelta(seconds=30))
async def apply_price_schedules(session: AsyncSession) -> int:
    """Twice a minute, so that no price is a minute late."""
    return await apply_schedules(session, utc_now())
