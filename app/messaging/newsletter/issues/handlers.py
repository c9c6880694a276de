"""What the worker does for issues."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Delivery, handles
from app.messaging.newsletter.issues.events import IssueBatchDue
from app.messaging.newsletter.issues.service import IssueService


@handles(IssueBatchDue)
async def queue_batch(session: AsyncSession, event: IssueBatchDue, delivery: Delivery) -> None:
    """Queue a batch and name the next one, all of it or nothing: a worker that is killed in between has done nothing."""
    await IssueService.build(session).queue_batch(event, delivery.id)
