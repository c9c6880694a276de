"""Events that got their places in the feed become deliveries; owners are told of webhooks that are switched off."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Delivery, handles
from app.core.events.feed import EventsSequenced
from app.messaging.email.service import MailService, Recipient
from app.messaging.email.templates import Template
from app.messaging.webhooks.events import WebhookDisabled
from app.messaging.webhooks.repository import WebhookRepository


@handles(EventsSequenced)
async def fan_out(session: AsyncSession, event: EventsSequenced, _delivery: Delivery) -> None:
    """Make the deliveries; the sender finds them by itself."""
    await WebhookRepository(session).fan_out(event.first, event.last)


@handles(WebhookDisabled)
async def mail_the_owner(session: AsyncSession, event: WebhookDisabled, delivery: Delivery) -> None:
    """Say that nothing is sent any more, and how to go on."""
    await MailService.build(session).queue(delivery, Template.WEBHOOK_DISABLED, Recipient(event.user_id))
