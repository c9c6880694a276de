"""The scheduled job that proves the ledger."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.jobs import scheduled
from app.sales.inventory.queries import compare_all
from app.sales.inventory.repository import record_check

_log = structlog.get_logger(__name__)


@scheduled("reconcile_inventory", timedelta(days=1))
async def reconcile_stock(session: AsyncSession) -> int:
    """Once a day; the gauge `bookstore_stock_mismatches` shows what came of it."""
    result, _ = await compare_all(await session.connection())
    if not result.is_sound:
        _log.error("stock_mismatches", count=result.mismatches, first=[one.item_id for one in result.first])
    await record_check(session, result.items, result.mismatches)
    return result.items
