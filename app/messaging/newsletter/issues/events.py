"""What happens to issues."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class IssueBatchDue(Event):
    """The subscriptions whose ids follow `after` are next to get the issue."""

    type: ClassVar[str] = "newsletter.batch_due"
    issue_id: int
    after: int
