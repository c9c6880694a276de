"""Bundles are sold as one line; what stock they take is that of their parts."""

import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.models import OfferPart
from app.sales.offers.queries import find_parts
from tests.conftest import Caller
from tests.factories import an_item


async def test_an_item_takes_its_own_stock_and_a_bundle_that_of_its_parts(
    client: httpx.AsyncClient, seller: Caller, session: AsyncSession
) -> None:
    pen, ink, both = [(await an_item(client, seller, name))["id"] for name in ("Pen", "Ink", "Both")]
    for position, (item_id, quantity) in enumerate([(ink, 3), (pen, 1)], start=1):
        session.add(OfferPart(offer_id=both, item_id=item_id, position=position, quantity=quantity))
    await session.flush()
    parts = await find_parts(await session.connection(), [both, pen, 10**12])
    assert parts == [(both, pen, 1), (both, ink, 3), (pen, pen, 1), (10**12, 10**12, 1)]
    assert await find_parts(await session.connection(), []) == []
