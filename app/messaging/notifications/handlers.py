"""Which notification follows which event."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, handles
from app.core.events.jobs import scheduled
from app.identity.events import (
    ApiKeyMade,
    CredentialsEnded,
    EmailChanged,
    NewDevice,
    PasswordChanged,
    SecondFactorChanged,
    TokenReused,
)
from app.messaging.notifications.kinds import KINDS
from app.messaging.notifications.repository import Notice, NotificationRepository
from app.messaging.notifications.service import NotificationService
from app.messaging.support.events import SupportMessageWritten
from app.messaging.support.schemas import Author
from app.sales.orders.events import (
    OrderCancelled,
    OrderCreated,
    OrderDelivered,
    OrderPaid,
    OrderReadyForPickup,
    OrderRefunded,
    OrderShipped,
)

KEEP_READ = timedelta(days=90)
KEEP = timedelta(days=180)

Told = (
    EmailChanged
    | PasswordChanged
    | NewDevice
    | TokenReused
    | SecondFactorChanged
    | CredentialsEnded
    | ApiKeyMade
    | OrderCreated
    | OrderPaid
    | OrderShipped
    | OrderReadyForPickup
    | OrderDelivered
    | OrderCancelled
    | OrderRefunded
    | SupportMessageWritten
)
KIND_OF: Mapping[type[Told], str] = {
    EmailChanged: "email_changed",
    PasswordChanged: "password_changed",
    NewDevice: "new_device",
    TokenReused: "token_reused",
    SecondFactorChanged: "second_factor_changed",
    CredentialsEnded: "credentials_ended",
    ApiKeyMade: "api_key_made",
    OrderCreated: "order_placed",
    OrderPaid: "order_paid",
    OrderShipped: "order_shipped",
    OrderReadyForPickup: "order_ready",
    OrderDelivered: "order_delivered",
    OrderCancelled: "order_cancelled",
    OrderRefunded: "order_refunded",
    SupportMessageWritten: "support_reply",
}
"""Events that their owner is told of beside the mail."""


async def notify_owner(session: AsyncSession, event: Told, delivery: Delivery) -> None:
    """Tell the account that the event is about; a sale without an account is told to nobody, nor what buyers write."""
    is_own = isinstance(event, SupportMessageWritten) and event.author == Author.BUYER
    if event.user_id is None or is_own:
        return
    kind = KINDS[KIND_OF[type(event)]]
    details = {name: getattr(event, name) for name in kind.details}
    notice = Notice(delivery.id, kind, event.subject, details)
    await NotificationService.build(session).tell(notice, event.user_id)


for _event in KIND_OF:
    handles(_event)(notify_owner)


@scheduled("purge_notifications", timedelta(days=1))
async def purge_notifications(session: AsyncSession) -> int:
    """Delete what was read three months ago, and what is half a year old."""
    now = utc_now()
    return await NotificationRepository(session).purge(now - KEEP_READ, now - KEEP)
