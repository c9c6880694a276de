"""The scheduled job that adds up what is over."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.service import add_up_sales
from app.core.events.jobs import scheduled


@scheduled("add_up_sales", timedelta(minutes=15))
async def add_up(session: AsyncSession) -> int:
    """Every quarter of an hour."""
    return await add_up_sales(session)
