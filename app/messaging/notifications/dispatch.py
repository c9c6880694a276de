"""What is sent by SMS and push: made ready in a transaction, and recorded in one."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.push import PushSubscription
from app.core.settings.settings import Settings
from app.identity.mfa.secret_vault import SecretVault
from app.identity.models import User
from app.messaging.notifications.kinds import Channel
from app.messaging.notifications.models import NotificationDelivery
from app.messaging.notifications.repository import DispatchRepository
from app.messaging.notifications.words import say
from app.messaging.push_subscriptions.service import VAULT

_LONGEST_BODY = 300


class Browser(NamedTuple):
    """One browser, opened."""

    id: int
    subscription: PushSubscription


class TextMessage(NamedTuple):
    """A text message, ready. What somebody else wrote is not in it: phones make links of it."""

    number: str
    text: str


class PushMessage(NamedTuple):
    """A push message, ready, and the browsers that it has not reached."""

    payload: bytes
    browsers: Sequence[Browser]


class DispatchService:
    """Makes deliveries ready and records what became of them."""

    def __init__(self, deliveries: DispatchRepository, settings: Settings) -> None:
        self._deliveries = deliveries
        self._settings = settings

    @classmethod
    def build(cls, session: AsyncSession, settings: Settings) -> Self:
        """Compose it on one session."""
        return cls(DispatchRepository(session), settings)

    async def prepare(self, delivery_id: int) -> TextMessage | PushMessage | None:
        """The message in the words of the reader's language; None when there is nothing to send (any more)."""
        record = await self._deliveries.lock(delivery_id)
        if record is None:
            return None
        user = await self._deliveries.get_user(record.user_id)
        message = None
        if user.is_active:
            is_text = record.channel == Channel.SMS
            message = self._text(record, user) if is_text else await self._push(record, user)
        if message is None:
            await self._deliveries.settle(delivery_id, "sent" if record.reached else "dropped")
        return message

    async def settle(self, delivery_id: int, state: str) -> None:
        """Record `sent`, `refused` or `dropped`."""
        await self._deliveries.settle(delivery_id, state)

    async def reach(self, delivery_id: int, browser: Browser) -> None:
        """Record that this browser has it, or never will."""
        await self._deliveries.reach(delivery_id, browser.id)

    async def forget(self, browser: Browser) -> None:
        """Delete a subscription that has ended."""
        await self._deliveries.forget_browser(browser.id)

    def _text(self, record: NotificationDelivery, user: User) -> TextMessage | None:
        if user.phone is None:
            return None
        said = say(record.kind, record.details, user.language)
        return TextMessage(user.phone, f"{said.title}. {self._settings.public_url}")

    async def _push(self, record: NotificationDelivery, user: User) -> PushMessage | None:
        vault = SecretVault(self._settings.jwt, VAULT)
        browsers = []
        for each in await self._deliveries.list_browsers(user.id, record.reached):
            auth = vault.open(user.id, each.sealed_auth)
            if auth is None:
                # Sealed by a JWT_SECRET of before: the browser subscribes again when it is next used.
                await self._deliveries.forget_browser(each.id)
            else:
                browsers.append(Browser(each.id, PushSubscription(each.endpoint, each.p256dh, auth)))
        if not browsers:
            return None
        said = say(record.kind, record.details, user.language)
        payload = {
            "title": said.title[:_LONGEST_BODY],
            "body": said.text[:_LONGEST_BODY],
            "kind": record.kind,
            "subject": record.subject,
        }
        return PushMessage(orjson.dumps(payload), browsers)
