"""Writes shipping methods and their bands."""

from collections.abc import Sequence

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import ShippingBand, ShippingMethod
from app.sales.shipping.schemas import ShippingBandIn


class ShippingMethodRepository:
    """Locks and writes one method."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, method: ShippingMethod) -> None:
        """Insert the method, so that its id is known."""
        self._session.add(method)
        await self._session.flush()

    async def lock(self, method_id: int) -> ShippingMethod | None:
        """Lock the method, which guards its bands, until the transaction ends."""
        return await self._session.get(ShippingMethod, method_id, with_for_update=True)

    async def set_bands(self, method: ShippingMethod, bands: Sequence[ShippingBandIn]) -> None:
        """Give a locked method these bands and no others."""
        await self._session.execute(delete(ShippingBand).where(ShippingBand.method_id == method.id))
        self._session.add_all(ShippingBand(method_id=method.id, **band.model_dump()) for band in bands)
        await self._session.flush()

    async def flush(self) -> None:
        """Write what changed."""
        await self._session.flush()

    async def delete(self, method: ShippingMethod) -> None:
        """Delete the method with its bands."""
        await self._session.delete(method)
        await self._session.flush()
