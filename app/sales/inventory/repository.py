"""Writes of stock levels beside the ledger, and of what comparing the two came to."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import StockLevel
from app.sales.models import InventoryCheck


class StockRepository:
    """Locks stock levels, and sets what the ledger does not move."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, item_id: int) -> StockLevel | None:
        """Lock the level against whoever moves stock until the transaction ends."""
        return await self._session.get(StockLevel, item_id, with_for_update=True)

    async def save(self, level: StockLevel) -> None:
        """Write what was set of the level, which is a change of it."""
        level.version += 1
        await self._session.flush()


async def record_check(session: AsyncSession, items: int, mismatches: int) -> None:
    """Keep the outcome as the latest, and no other."""
    await session.execute(delete(InventoryCheck))
    session.add(InventoryCheck(items=items, mismatches=mismatches))
