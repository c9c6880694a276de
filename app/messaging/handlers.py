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
from app.messaging.email.repository import MailRepository
from app.messaging.email.service import MailService
from app.messaging.email.templates import Template

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


async def mail_the_owner(session: AsyncSession, event: Plain, delivery: Delivery) -> None:
    """Mail the account's address about the event."""
    await MailService.build(session).queue(delivery, TEMPLATES[type(event)], event.user_id)


for _event in TEMPLATES:
    handles(_event)(mail_the_owner)


@handles(EmailChangeRequested)
async def mail_both_addresses(session: AsyncSession, event: EmailChangeRequested, delivery: Delivery) -> None:
    """Mail the new one a link that proves it, and the present one a link that stops the change."""
    mails = MailService.build(session)
    await mails.queue(delivery, Template.CHANGE_EMAIL, event.user_id, event.new_email)
    await mails.queue(delivery, Template.EMAIL_CHANGE_ASKED, event.user_id)


@handles(EmailChanged)
async def mail_the_old_address(session: AsyncSession, event: EmailChanged, delivery: Delivery) -> None:
    """Warn the owner, who may not have done it."""
    mails = MailService.build(session)
    await mails.queue(delivery, Template.EMAIL_CHANGED, event.user_id, event.old_email)


@scheduled("purge_mails", timedelta(days=1))
async def purge_mails(session: AsyncSession) -> int:
    """Delete old records: three months are enough to answer who was mailed what."""
    return await MailRepository(session).purge(utc_now() - KEEP_MAIL_RECORDS)
