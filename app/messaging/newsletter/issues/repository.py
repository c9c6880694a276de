"""Writes issues, and queues their mails a batch at a time."""

from typing import NamedTuple

from sqlalchemy import exists, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.models import User
from app.messaging.email.models import MailSuppression, NewsletterIssue
from app.messaging.email.repository import MailRepository
from app.messaging.email.templates import Template
from app.messaging.newsletter.models import NewsletterSubscription as Subscription

BATCH = 1000
"""Subscriptions that one transaction goes through."""


class Batch(NamedTuple):
    """The subscriptions after `after` up to `last`, on behalf of an event."""

    event_id: int
    after: int
    last: int


class IssueRepository:
    """Issues of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, issue: NewsletterIssue) -> None:
        """Insert it, so that its id is known."""
        self._session.add(issue)
        await self._session.flush()

    async def find(self, issue_id: int) -> NewsletterIssue | None:
        """The issue."""
        return await self._session.get(NewsletterIssue, issue_id)

    async def find_last(self, issue: NewsletterIssue, after: int) -> int | None:
        """The last subscription of the next batch; None when nobody is left."""
        confirmed = (Subscription.state == "confirmed", Subscription.confirmed_at <= issue.created_at)
        ids = select(Subscription.id).where(Subscription.id > after, *confirmed)
        batch = ids.order_by(Subscription.id).limit(BATCH).subquery()
        last: int | None = await self._session.scalar(select(func.max(batch.c.id)))
        return last

    async def queue(self, issue: NewsletterIssue, batch: Batch) -> int:
        """Queue the mails of the batch: to whoever subscribed before the issue was written, once each; how many."""
        suppressed = exists().where(MailSuppression.email_key == Subscription.email_key)
        details = func.jsonb_build_object("target_id", Subscription.id)
        rows = (
            select(
                literal(batch.event_id).label("event_id"),
                literal(Template.NEWSLETTER_ISSUE.value).label("template"),
                Subscription.email.label("recipient"),
                Subscription.user_id,
                Subscription.language,
                details.label("details"),
                literal(issue.id).label("issue_id"),
            )
            .outerjoin(User, User.id == Subscription.user_id)
            .where(
                Subscription.id > batch.after,
                Subscription.id <= batch.last,
                Subscription.state == "confirmed",
                Subscription.confirmed_at <= issue.created_at,
                or_(Subscription.user_id.is_(None), User.is_active),
                ~suppressed,
            )
        )
        count = len(await MailRepository(self._session).add_all(rows))
        more = update(NewsletterIssue).where(NewsletterIssue.id == issue.id)
        await self._session.execute(more.values(recipients=NewsletterIssue.recipients + count))
        return count

    async def finish(self, issue: NewsletterIssue) -> None:
        """Note that every mail of the issue is queued."""
        done = update(NewsletterIssue).where(NewsletterIssue.id == issue.id)
        await self._session.execute(done.values(queued_at=func.now()))
