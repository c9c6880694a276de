"""What becomes of a mail: queued, prepared, handed over, and what the server said."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Self
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, publish
from app.core.mail import Mail
from app.core.settings.settings import Settings
from app.identity.models import User
from app.identity.verification.service import LINK_LIFETIME, TokenPurpose, issue
from app.messaging.email.events import MailQueued
from app.messaging.email.models import MailRecord
from app.messaging.email.queries import MailedOrder
from app.messaging.email.repository import MailRepository
from app.messaging.email.templates import Template, render, unlinked

PROOFS = {
    Template.WELCOME: (TokenPurpose.VERIFY_EMAIL, "/verify-email"),
    Template.VERIFY: (TokenPurpose.VERIFY_EMAIL, "/verify-email"),
    Template.RESET: (TokenPurpose.RESET_PASSWORD, "/reset-password"),
    Template.CHANGE_EMAIL: (TokenPurpose.CHANGE_EMAIL, "/verify-email"),
    Template.EMAIL_CHANGE_ASKED: (TokenPurpose.STOP_EMAIL_CHANGE, "/stop-email-change"),
}
"""Mails that carry a one-time token: what for, and the page that takes it back."""

_OURS = frozenset({"ip", "when", "moment", "total", "amount"})
"""Details of a mail in whose words nobody had a say."""

_SETTLED = frozenset({"sent", "refused", "dropped"})


class MailService:
    """Queues mails, makes them ready and records what became of them."""

    def __init__(self, session: AsyncSession, mails: MailRepository) -> None:
        self._session = session
        self._mails = mails

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, MailRepository(session))

    async def queue(
        self,
        delivery: Delivery,
        template: Template,
        user_id: int,
        recipient: str | None = None,
        order: MailedOrder | None = None,
    ) -> None:
        """Queue the event's mail to the account's address, or to `recipient`: once, however often it is asked.

        It may say what the event says, and the order that it is about.
        An account that is gone gets none, and nobody resets the password of a closed one.
        """
        user = await self._mails.find_user(user_id)
        if user is None or (template is Template.RESET and not user.is_active):
            return
        about = {} if order is None else order.model_dump(exclude={"user_id"})
        told = {key: value for key, value in delivery.payload.items() if key != "user_id"}
        record = MailRecord(
            event_id=delivery.id,
            template=template.value,
            recipient=recipient or user.email,
            user_id=user_id,
            language=user.language,
            details={**told, **about, **_moment(delivery)},
        )
        mail_id = await self._mails.add(record)
        if mail_id is not None:
            await publish(self._session, MailQueued(mail_id), delivery.request_id)

    async def prepare(self, mail_id: int, settings: Settings) -> Mail | None:
        """Make the mail ready to be sent, with a token where it needs one; None when there is nothing to send.

        Raises AlreadyHandedOver when a worker got as far as that and nobody knows what the server did.
        """
        record = await self._mails.lock(mail_id)
        if record is None or record.state in _SETTLED:
            return None
        if record.state == "handed_over" and record.handed_over_at is not None:
            raise AlreadyHandedOver(record.handed_over_at)
        user = await self._mails.find_user(record.user_id)
        template = Template(record.template)
        if user is None or (template is Template.VERIFY and user.is_verified):
            await self._mails.move(mail_id, "queued", "dropped")
            return None
        link = await self._link(template, user, record.recipient, settings)
        # Whoever registered with somebody's address chose the name as well: it greets nobody before the proof.
        is_proven = user.is_verified and record.recipient == user.email
        name = (user.first_name if is_proven else None) or user.username
        chosen = {"name": name, "username": user.username, **record.details}
        values = {
            key: unlinked(value) if key not in _OURS and isinstance(value, str) else value
            for key, value in chosen.items()
        }
        minutes = int(LINK_LIFETIME / timedelta(minutes=1))
        shop = {"shop": settings.public_url, "minutes": minutes}
        mail = render(template, record.language, {**values, "link": link, **shop})
        return Mail(
            message_id=_message_id(record, settings.mail.sender),
            recipient=record.recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            created_at=record.created_at,
        )

    async def hand_over(self, mail_id: int) -> bool:
        """Record that the content leaves now; False when another worker was first."""
        return await self._mails.move(mail_id, "queued", "handed_over", handed_over_at=utc_now())

    async def accept(self, mail_id: int) -> None:
        """Record that the server took it, or that the file is written."""
        for before in ("handed_over", "queued"):
            await self._mails.move(mail_id, before, "sent", sent_at=utc_now())

    async def refuse(self, mail_id: int) -> None:
        """Record that the server will never take it."""
        for before in ("handed_over", "queued"):
            await self._mails.move(mail_id, before, "refused")

    async def put_back(self, mail_id: int) -> None:
        """Record that the server did not take it: it may be sent again."""
        await self._mails.move(mail_id, "handed_over", "queued")

    async def _link(self, template: Template, user: User, recipient: str, settings: Settings) -> str | None:
        if template not in PROOFS or (template is Template.WELCOME and user.is_verified):
            return None
        purpose, path = PROOFS[template]
        token = await issue(self._session, user.id, purpose, recipient)
        return f"{settings.public_url.rstrip('/')}{path}?token={quote(token)}"


class AlreadyHandedOver(Exception):
    """The content left for the server at `at`, and the answer was not recorded."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"handed over at {at.isoformat()}")
        self.at = at


def _moment(delivery: Delivery) -> Mapping[str, str]:
    # `when` is for a worker of the release before, which may send the mail while this one is rolled out.
    return {
        "moment": delivery.created_at.isoformat(),
        "when": f"{delivery.created_at:%-d %B %Y, %H:%M} UTC",
    }


def _message_id(record: MailRecord, sender: str) -> str:
    """The same for every attempt at this mail, so that a mailbox that sees two keeps one."""
    named = f"{record.event_id}/{record.template}/{record.recipient}/{record.created_at.isoformat()}"
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    domain = sender.rpartition("@")[2].rstrip("> ") or "localhost"
    return f"<{digest}@{domain}>"
