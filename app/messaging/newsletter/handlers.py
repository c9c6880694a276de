"""The newsletter's mails and retention, and what profiles say of it."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, handles
from app.core.events.jobs import scheduled
from app.identity.events import EmailChanged, NewsletterChosen
from app.messaging.email.lists import OPT_IN_LIFETIME
from app.messaging.email.service import MailOfList, MailService, Recipient
from app.messaging.email.templates import Template
from app.messaging.newsletter.events import NewsletterRequested, NewSubscription
from app.messaging.newsletter.repository import NewsletterRepository, Retention
from app.messaging.newsletter.service import NewsletterService

KEEP_UNSUBSCRIBED = timedelta(days=90)


@handles(NewsletterRequested)
async def ask_for_confirmation(session: AsyncSession, event: NewsletterRequested, delivery: Delivery) -> None:
    """Mail the address a link, unless it gets the newsletter or was deleted meanwhile."""
    await _mail(session, event.subscription_id, delivery, Template.NEWSLETTER_CONFIRM, "pending")


@handles(NewSubscription)
async def welcome_subscriber(session: AsyncSession, event: NewSubscription, delivery: Delivery) -> None:
    """Mail the address that it is on the list, and how to leave."""
    await _mail(session, event.subscription_id, delivery, Template.NEWSLETTER_WELCOME, "confirmed")


@handles(NewsletterChosen)
async def follow_profile(session: AsyncSession, event: NewsletterChosen, _delivery: Delivery) -> None:
    """Do what the profile says now."""
    await NewsletterService.build(session).follow_profile(event.user_id)


@handles(EmailChanged)
async def follow_address(session: AsyncSession, event: EmailChanged, _delivery: Delivery) -> None:
    """Send the newsletter to the new address instead of the old one."""
    await NewsletterService.build(session).follow_profile(event.user_id)


@scheduled("purge_newsletter", timedelta(hours=1))
async def purge_newsletter(session: AsyncSession) -> int:
    """Delete addresses that nobody confirmed within the life of a link, and those that left three months ago."""
    now = utc_now()
    kept = Retention(pending=now - OPT_IN_LIFETIME, unsubscribed=now - KEEP_UNSUBSCRIBED)
    return await NewsletterRepository(session).purge(kept)


async def _mail(
    session: AsyncSession, subscription_id: int, delivery: Delivery, template: Template, state: str
) -> None:
    subscription = await NewsletterRepository(session).find(subscription_id)
    if subscription is None or subscription.state != state:
        return
    to = Recipient(email=subscription.email, language=subscription.language)
    await MailService.build(session).queue(delivery, template, to, MailOfList(target_id=subscription_id))
