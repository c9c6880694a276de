"""Reads bundles, and what stock an item takes."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import OfferPart


class TakenStock(NamedTuple):
    """Of one `line_item_id` that is sold, so many of `item_id` leave the stock."""

    line_item_id: int
    item_id: int
    quantity: int


async def find_parts(connection: AsyncConnection, item_ids: Collection[int]) -> Sequence[TakenStock]:
    """Find what stock one of each of these items takes: its own, or that of a bundle's parts, by their ids."""
    listed = select(OfferPart.offer_id, OfferPart.item_id, OfferPart.quantity)
    wanted = listed.where(OfferPart.offer_id.in_(item_ids)).order_by(OfferPart.offer_id, OfferPart.item_id)
    of_bundles = [TakenStock(*row) for row in await connection.execute(wanted)]
    bundles = {part.line_item_id for part in of_bundles}
    return [*of_bundles, *(TakenStock(one, one, 1) for one in item_ids if one not in bundles)]
