"""The scheduled jobs that rank items by their sales and views."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS
from app.catalog.views.repository import forget_views, rank_items
from app.core.cache.hot import invalidate
from app.core.events.jobs import scheduled


@scheduled("rank_popularity", timedelta(minutes=5))
async def rank_popularity(session: AsyncSession) -> int:
    """Every five minutes; lists that are kept show the new order."""
    count = await rank_items(session)
    if count:
        invalidate(session, LISTS)
    return count


@scheduled("forget_views", timedelta(days=1))
async def forget_old_views(session: AsyncSession) -> int:
    """Once a day."""
    return await forget_views(session)
