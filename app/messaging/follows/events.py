"""What happens for followers."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class FollowerDue(Event):
    """There is something new for this account in the run of that moment."""

    type: ClassVar[str] = "follows.follower_due"
    user_id: int
    told_at: str
