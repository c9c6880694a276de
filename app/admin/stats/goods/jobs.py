"""The scheduled jobs that add up goods."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.admin.stats.goods import service
from app.core.events.jobs import scheduled


@scheduled("add_up_items", timedelta(hours=1))
async def add_up_items(session: AsyncSession) -> int:
    """Every hour, so that a long history is soon added up; a day is added up once it is over in UTC."""
    return await service.add_up_items(session)


@scheduled("add_up_stock_movements", timedelta(minutes=15))
async def add_up_stock_movements(session: AsyncSession) -> int:
    """Every quarter of an hour."""
    return await service.add_up_moves(session)
