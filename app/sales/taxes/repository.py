"""Writes tax rates."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import TaxRate


class TaxRateRepository:
    """Locks and writes one rate."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, rate: TaxRate) -> None:
        """Insert the rate; one that overlaps another is refused by the database."""
        self._session.add(rate)
        await self._session.flush()

    async def lock(self, rate_id: int) -> TaxRate | None:
        """Lock the rate against other writers until the transaction ends."""
        return await self._session.get(TaxRate, rate_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what changed; a rate that then overlaps another is refused by the database."""
        await self._session.flush()

    async def delete(self, rate: TaxRate) -> None:
        """Delete the rate."""
        await self._session.delete(rate)
        await self._session.flush()
