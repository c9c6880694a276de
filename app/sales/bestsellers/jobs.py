"""The scheduled jobs that tell the catalogue what sells."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import LISTS
from app.core.cache.hot import invalidate
from app.core.events.jobs import scheduled
from app.sales.bestsellers.repository import count_sold, find_pairs


@scheduled("count_sales", timedelta(hours=1))
async def count_sales(session: AsyncSession) -> int:
    """Every hour; the next ranking of the catalogue goes by it."""
    return await count_sold(session)


@scheduled("relate_bought_together", timedelta(days=1))
async def relate_bought_together(session: AsyncSession) -> int:
    """Once a night; related books that are kept show it."""
    changed = await find_pairs(session)
    if changed:
        invalidate(session, LISTS)
    return changed
