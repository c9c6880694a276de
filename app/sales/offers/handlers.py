"""What parts announce is announced for their bundles as well."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Delivery, handles
from app.core.events.feed import EventsSequenced
from app.sales.offers.announcing import announce_bundles


@handles(EventsSequenced)
async def announce_stock_of_bundles(
    session: AsyncSession, event: EventsSequenced, _delivery: Delivery
) -> None:
    """Tell of the bundles of which another number can be bought than when that was last told."""
    await announce_bundles(session, event.first, event.last)
