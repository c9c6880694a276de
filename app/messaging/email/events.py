"""What happens to mails."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class MailQueued(Event):
    """A mail waits to be sent; each has retries of its own."""

    type: ClassVar[str] = "mail.queued"
    mail_id: int
