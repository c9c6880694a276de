"""Sends issues of the newsletter."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.audit import record_audit
from app.core.events.events import publish
from app.messaging.email.models import NewsletterIssue
from app.messaging.newsletter.issues.events import IssueBatchDue
from app.messaging.newsletter.issues.repository import Batch, IssueRepository
from app.messaging.newsletter.issues.schemas import IssueIn


class IssueService:
    """Writes issues, and has them sent batch after batch."""

    def __init__(self, session: AsyncSession, issues: IssueRepository) -> None:
        self._session = session
        self._issues = issues

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, IssueRepository(session))

    async def send(self, wanted: IssueIn) -> int:
        """Send the issue to whoever is subscribed now; its id."""
        issue = NewsletterIssue(subject=wanted.subject, text=wanted.text)
        await self._issues.add(issue)
        await publish(self._session, IssueBatchDue(issue.id, 0))
        changes: dict[str, tuple[object, object]] = {"subject": (None, wanted.subject)}
        record_audit(self._session, "newsletter.sent", ("newsletter_issue", issue.id), changes)
        return issue.id

    async def queue_batch(self, due: IssueBatchDue, event_id: int) -> None:
        """Queue the mails of the next batch, and have the one after it queued; or note that all are."""
        issue = await self._issues.find(due.issue_id)
        if issue is None:
            return
        last = await self._issues.find_last(issue, due.after)
        if last is None:
            await self._issues.finish(issue)
            return
        await self._issues.queue(issue, Batch(event_id, due.after, last))
        await publish(self._session, IssueBatchDue(issue.id, last))
