"""Writes of what bundles are made of."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import Item, OfferPart
from app.sales.offers.schemas import OfferPartIn


class OfferRepository:
    """Finds what may be a part, and writes the parts."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def list_items(self, item_ids: Collection[int]) -> Sequence[Item]:
        """Those of these items that there are."""
        return (await self._session.scalars(select(Item).where(Item.id.in_(item_ids)))).all()

    async def list_parts(self, offer_id: int) -> Sequence[OfferPart]:
        """The parts of the bundle, in their order."""
        of_offer = select(OfferPart).where(OfferPart.offer_id == offer_id).order_by(OfferPart.position)
        return (await self._session.scalars(of_offer)).all()

    async def set_parts(self, offer_id: int, parts: Sequence[OfferPartIn]) -> None:
        """Make the bundle of these parts and no others."""
        await self._session.execute(delete(OfferPart).where(OfferPart.offer_id == offer_id))
        rows = [
            {"offer_id": offer_id, "position": position, **part.model_dump()}
            for position, part in enumerate(parts, start=1)
        ]
        # By the ids, as everybody locks items.
        await self._session.execute(insert(OfferPart), sorted(rows, key=lambda row: row["item_id"]))
