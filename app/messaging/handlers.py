"""Which mail follows which event."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, handles
from app.core.events.jobs import scheduled
from app.identity.events import (
    ApiKeyMade,
    CredentialsEnded,
    EmailChanged,
    EmailChangeRequested,
    EmailVerificationRequested,
    NewDevice,
    PasswordChanged,
    PasswordResetRequested,
    SecondFactorChanged,
    TokenReused,
    UserRegistered,
)
from app.messaging.email.queries import find_mailed_order
from app.messaging.email.repository import MailRepository, OptInRepository
from app.messaging.email.service import MailService, Recipient
from app.messaging.email.templates import Template
from app.sales.orders.events import (
    OrderCancelled,
    OrderCreated,
    OrderPaid,
    OrderReadyForPickup,
    OrderRefunded,
    OrderShipped,
)

KEEP_MAIL_RECORDS = timedelta(days=90)

Plain = (
    UserRegistered
    | EmailVerificationRequested
    | PasswordResetRequested
    | PasswordChanged
    | NewDevice
    | TokenReused
    | SecondFactorChanged
    | CredentialsEnded
    | ApiKeyMade
)
TEMPLATES: dict[type[Plain], Template] = {
    UserRegistered: Template.WELCOME,
    EmailVerificationRequested: Template.VERIFY,
    PasswordResetRequested: Template.RESET,
    PasswordChanged: Template.PASSWORD_CHANGED,
    NewDevice: Template.NEW_DEVICE,
    TokenReused: Template.TOKEN_REUSED,
    SecondFactorChanged: Template.SECOND_FACTOR_CHANGED,
    CredentialsEnded: Template.CREDENTIALS_ENDED,
    ApiKeyMade: Template.API_KEY_MADE,
}
"""Events whose mail goes to the address that the account has."""


OfOrders = OrderCreated | OrderPaid | OrderShipped | OrderReadyForPickup | OrderCancelled | OrderRefunded
ORDER_TEMPLATES: dict[type[OfOrders], Template] = {
    OrderCreated: Template.ORDER_PLACED,
    OrderPaid: Template.ORDER_PAID,
    OrderShipped: Template.ORDER_SHIPPED,
    OrderReadyForPickup: Template.ORDER_READY,
    OrderCancelled: Template.ORDER_CANCELLED,
    OrderRefunded: Template.ORDER_REFUNDED,
}
"""Events whose mail goes to whoever bought."""


async def mail_the_owner(session: AsyncSession, event: Plain, delivery: Delivery) -> None:
    """Mail the account's address about the event."""
    await MailService.build(session).queue(delivery, TEMPLATES[type(event)], Recipient(event.user_id))


for _event in TEMPLATES:
    handles(_event)(mail_the_owner)


async def mail_the_buyer(session: AsyncSession, event: OfOrders, delivery: Delivery) -> None:
    """Mail who bought about their order; who has no account gets none."""
    shipment_id = event.shipment_id if isinstance(event, OrderShipped) else None
    order = await find_mailed_order(session, event.order_id, shipment_id)
    if order is not None:
        template = ORDER_TEMPLATES[type(event)]
        await MailService.build(session).queue(delivery, template, Recipient(order.user_id), order)


for _order_event in ORDER_TEMPLATES:
    handles(_order_event)(mail_the_buyer)


@handles(EmailChangeRequested)
async def mail_both_addresses(session: AsyncSession, event: EmailChangeRequested, delivery: Delivery) -> None:
    """Mail the new one a link that proves it, and the present one a link that stops the change."""
    mails = MailService.build(session)
    await mails.queue(delivery, Template.CHANGE_EMAIL, Recipient(event.user_id, event.new_email))
    await mails.queue(delivery, Template.EMAIL_CHANGE_ASKED, Recipient(event.user_id))


@handles(EmailChanged)
async def mail_the_old_address(session: AsyncSession, event: EmailChanged, delivery: Delivery) -> None:
    """Warn the owner, who may not have done it."""
    mails = MailService.build(session)
    await mails.queue(delivery, Template.EMAIL_CHANGED, Recipient(event.user_id, event.old_email))


@scheduled("purge_mails", timedelta(days=1))
async def purge_mails(session: AsyncSession) -> int:
    """Delete old records: three months are enough to answer who was mailed what."""
    await OptInRepository(session).purge(utc_now())
    return await MailRepository(session).purge(utc_now() - KEEP_MAIL_RECORDS)
