"""What happens to subscriptions."""

from dataclasses import dataclass
from typing import ClassVar

from app.core.events.events import Event


@dataclass(frozen=True, slots=True)
class NewsletterRequested(Event):
    """Somebody wants the newsletter at an address: ask its reader, unless it comes there already."""

    type: ClassVar[str] = "newsletter.requested"
    subscription_id: int


@dataclass(frozen=True, slots=True)
class NewSubscription(Event):
    """An address gets the newsletter from now on."""

    type: ClassVar[str] = "new-subscription"
    subscription_id: int
    username: str | None
    monthly_fee: str
    start_date: str
    user_id: int | None = None

    @property
    def subject(self) -> str:
        """The subscription."""
        return f"subscription:{self.subscription_id}"

    @property
    def concerns(self) -> int | None:
        """Whose it is, where that is an account."""
        return self.user_id
