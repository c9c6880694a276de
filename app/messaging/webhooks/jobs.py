"""What is done for webhooks by the clock."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.jobs import scheduled
from app.messaging.webhooks.repository import WebhookRepository

KEEP_DELIVERIES = timedelta(days=30)


# Each run deletes so many and no more: every quarter of an hour these are as many as half a worker can send.
@scheduled("purge_webhook_deliveries", timedelta(minutes=15))
async def purge_webhook_deliveries(session: AsyncSession) -> int:
    """Delete the deliveries of a month ago, with what they said of people: the feed keeps no more either. And those of
    webhooks that were deleted.
    """
    webhooks = WebhookRepository(session)
    return await webhooks.purge(utc_now() - KEEP_DELIVERIES) + await webhooks.purge_of_deleted()
