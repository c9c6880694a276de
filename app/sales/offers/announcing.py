"""Announces the stock of bundles, which have none of their own.

A trigger, as tells of other items, would have every sale of a part wait for every other of the bundle: so a worker
compares afterwards what can be bought with what was told last.
"""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.sales.offers.events import BundleBack, BundleChanged, BundleOut
from app.sales.offers.repository import BundleLevelRepository


async def announce_bundles(session: AsyncSession, first: int, last: int) -> None:
    """Tell of the bundles that these events of the feed are about, or whose parts they are about.

    Once for each change, however many workers are at it: who compares has the bundle locked. Of several changes
    that are seen together what stands counts.
    """
    bundles = BundleLevelRepository(session)
    changed = await bundles.lock_touched(first, last)
    for bundle in changed:
        told = (bundle.item_id, bundle.available, bundle.told)
        if bundle.told <= 0 < bundle.available:
            await publish(session, BundleBack(*told))
        elif bundle.available <= 0 < bundle.told:
            await publish(session, BundleOut(*told))
        await publish(session, BundleChanged(*told))
    await bundles.keep(changed)
