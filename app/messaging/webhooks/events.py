"""What happens to webhooks themselves."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class WebhookDisabled(Event):
    """The shop stopped sending to an address: it is `gone` (410), or failed too often (`failures`).

    Of the address the host alone is told: the rest may be a secret.
    """

    type: ClassVar[str] = "webhook.disabled"
    user_id: int
    webhook_id: int
    host: str
    why: str
