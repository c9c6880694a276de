"""What happens to notifications."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class NotificationQueued(Event):
    """A notification waits to be sent by SMS or push; each has retries of its own."""

    type: ClassVar[str] = "notification.queued"
    delivery_id: int


@dataclass(frozen=True, slots=True)
class NotificationCreated(Event):
    """A line came into the account's list: whoever has it open shows it at once."""

    type: ClassVar[str] = "notification.created"
    notification_id: int
    user_id: int
    kind: str
    category: str
    about: str | None

    @property
    def subject(self) -> str:
        """The notification."""
        return f"notification:{self.notification_id}"

    @property
    def concerns(self) -> int:
        """Whose list it is."""
        return self.user_id
