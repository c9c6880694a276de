"""What happens to notifications."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class NotificationQueued(Event):
    """A notification waits to be sent by SMS or push; each has retries of its own."""

    type: ClassVar[str] = "notification.queued"
    delivery_id: int
