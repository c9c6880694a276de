"""What becomes of a mail: queued, prepared, handed over, and what the server said."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from urllib.parse import quote

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, publish
from app.core.mail import Mail
from app.core.settings.settings import Settings
from app.identity.models import User
from app.identity.verification.service import LINK_LIFETIME, TokenPurpose, issue
from app.messaging.email.events import MailQueued
from app.messaging.email.lists import OPT_IN_LIFETIME, MailList, OptInService, unsubscribe_token
from app.messaging.email.models import MailRecord, SuppressionReason
from app.messaging.email.repository import MailRepository, SuppressionRepository
from app.messaging.email.templates import Template, render, unlinked
from app.messaging.notifications.kinds import KINDS

PROOFS = {
    Template.WELCOME: (TokenPurpose.VERIFY_EMAIL, "/verify-email"),
    Template.VERIFY: (TokenPurpose.VERIFY_EMAIL, "/verify-email"),
    Template.RESET: (TokenPurpose.RESET_PASSWORD, "/reset-password"),
    Template.CHANGE_EMAIL: (TokenPurpose.CHANGE_EMAIL, "/verify-email"),
    Template.EMAIL_CHANGE_ASKED: (TokenPurpose.STOP_EMAIL_CHANGE, "/stop-email-change"),
}
"""Mails that carry a one-time token: what for, and the page that takes it back."""

OPT_INS = {
    Template.NEWSLETTER_CONFIRM: (MailList.NEWSLETTER, "/newsletter/confirm"),
    Template.ALERT_CONFIRM: (MailList.ALERT, "/alerts/confirm"),
}
"""Mails that ask whether the address wants to be on a list, and the page that takes the token back."""

LISTS = {
    Template.NEWSLETTER_WELCOME: (MailList.NEWSLETTER, "/newsletter/unsubscribe"),
    Template.NEWSLETTER_ISSUE: (MailList.NEWSLETTER, "/newsletter/unsubscribe"),
    Template.BACK_IN_STOCK: (MailList.ALERT, "/alerts/end"),
    Template.PRICE_DROP: (MailList.ALERT, "/alerts/end"),
    Template.FOLLOWED_ITEMS: (MailList.FOLLOWS, "/follows/unsubscribe"),
}
"""Mails of lists, and the page that ends them; the API takes the same path (RFC 8058)."""

PROVING = frozenset({Template.VERIFY, Template.CHANGE_EMAIL})
"""What is sent even where mail bounced: somebody just asked for it, and by it the address is shown to work."""

_LONGEST_DETAIL = 500
_OURS = frozenset({"ip", "when", "moment", "total", "amount", "kind", "price"})
"""Details of a mail in whose words nobody had a say."""

_SETTLED = frozenset({"sent", "refused", "dropped"})


class Recipient(NamedTuple):
    """Who gets a mail: an account, at its own address or at `email`; or an address without one, in its language."""

    user_id: int | None = None
    email: str | None = None
    language: str | None = None


class MailOfList(BaseModel):
    """Which subscription or alert a mail is about."""

    target_id: int


class MailService:
    """Queues mails, makes them ready and records what became of them."""

    def __init__(
        self,
        session: AsyncSession,
        mails: MailRepository,
        opt_ins: OptInService,
        suppressions: SuppressionRepository,
    ) -> None:
        self._session = session
        self._suppressions = suppressions
        self._mails = mails
        self._opt_ins = opt_ins

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(
            session,
            MailRepository(session),
            OptInService.build(session),
            SuppressionRepository(session),
        )

    async def queue(
        self,
        delivery: Delivery,
        template: Template,
        to: Recipient,
        about: BaseModel | None = None,
    ) -> None:
        """Queue the event's mail: once, however often it is asked.

        It may say what the event says, and what it is `about`.
        An account that is gone gets none, and nobody resets the password of a closed one. Of what is not
        transactional the account's choice decides (`notifications.kinds`).
        """
        user = None if to.user_id is None else await self._mails.find_user(to.user_id)
        if to.user_id is not None and user is None:
            return
        if template is Template.RESET and not (user and user.is_active):
            return
        if user is not None and not await self._is_wanted(template, user.id):
            return
        recipient = to.email or (user.email if user else None)
        if recipient is None:
            return
        details = {} if about is None else about.model_dump(exclude={"user_id"})
        told = {key: value for key, value in delivery.payload.items() if key != "user_id"}
        record = MailRecord(
            event_id=delivery.id,
            template=template.value,
            recipient=recipient,
            user_id=to.user_id,
            language=user.language if user else to.language,
            details={**told, **details, **_moment(delivery)},
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
        user = None if record.user_id is None else await self._mails.find_user(record.user_id)
        template = Template(record.template)
        is_gone = record.user_id is not None and user is None
        is_gone = is_gone or not _reaches(template, await self._suppressions.find_reason(record.recipient))
        # Whoever turned such mails off meanwhile gets not even those that waited.
        is_gone = is_gone or (user is not None and not await self._is_wanted(template, user.id))
        if is_gone or (template is Template.VERIFY and user is not None and user.is_verified):
            await self._mails.move(mail_id, "queued", "dropped")
            return None
        link = await self._link(template, user, record, settings)
        chosen = {**_names(user, record.recipient), **record.details}
        values = {
            key: unlinked(value) if key not in _OURS and isinstance(value, str) else value
            for key, value in chosen.items()
        }
        minutes = int(LINK_LIFETIME / timedelta(minutes=1))
        hours = int(OPT_IN_LIFETIME / timedelta(hours=1))
        shop = {"shop": settings.public_url, "minutes": minutes, "hours": hours}
        ending, headers = _unsubscribing(template, record, settings)
        links = {"link": link, "unsubscribe": ending}
        mail = render(template, record.language, {**values, **links, **shop, **await self._issue(record)})
        return Mail(
            message_id=_message_id(record, settings.mail.sender),
            recipient=record.recipient,
            subject=mail.subject,
            text=mail.text,
            html=mail.html,
            created_at=record.created_at,
            headers=headers,
        )

    async def hand_over(self, mail_id: int) -> bool:
        """Record that the content leaves now; False when another worker was first."""
        return await self._mails.move(mail_id, "queued", "handed_over", handed_over_at=utc_now())

    async def accept(self, mail_id: int) -> None:
        """Record that the server took it, or that the file is written."""
        for before in ("handed_over", "queued"):
            await self._mails.move(mail_id, before, "sent", sent_at=utc_now())

    async def refuse(self, mail_id: int, bounce: str | None = None) -> None:
        """Record that the server will never take it; with a `bounce`, that the address gets nothing more."""
        record = await self._mails.lock(mail_id)
        if record is not None and bounce is not None:
            await self._suppressions.suppress(
                record.recipient, SuppressionReason.HARD_BOUNCE, bounce[:_LONGEST_DETAIL]
            )
        for before in ("handed_over", "queued"):
            await self._mails.move(mail_id, before, "refused")

    async def put_back(self, mail_id: int) -> None:
        """Record that the server did not take it: it may be sent again."""
        await self._mails.move(mail_id, "handed_over", "queued")

    async def _is_wanted(self, template: Template, user_id: int) -> bool:
        kind = KINDS.get(template)
        return kind is None or kind.is_transactional or await self._mails.is_wanted(user_id, kind)

    async def _issue(self, record: MailRecord) -> Mapping[str, str]:
        """What staff wrote into the mail, where it has an issue of the newsletter: links in it are meant."""
        issue = None if record.issue_id is None else await self._mails.find_issue(record.issue_id)
        return {} if issue is None else {"subject": issue.subject, "text": issue.text}

    async def _link(
        self, template: Template, user: User | None, record: MailRecord, settings: Settings
    ) -> str | None:
        if template in OPT_INS:
            mail_list, path = OPT_INS[template]
            token = await self._opt_ins.issue(mail_list, record.details["target_id"])
            return _url(settings, path, token)
        if user is None or template not in PROOFS or (template is Template.WELCOME and user.is_verified):
            return None
        purpose, path = PROOFS[template]
        token = await issue(self._session, user.id, purpose, record.recipient)
        return _url(settings, path, token)


class AlreadyHandedOver(Exception):
    """The content left for the server at `at`, and the answer was not recorded."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"handed over at {at.isoformat()}")
        self.at = at


def _reaches(template: Template, suppressed: SuppressionReason | None) -> bool:
    """Whether the mail goes to an address that is suppressed so."""
    if suppressed is None:
        return True
    if template in OPT_INS or template in LISTS:
        return False
    return suppressed is not SuppressionReason.HARD_BOUNCE or template in PROVING


def _names(user: User | None, recipient: str) -> Mapping[str, str]:
    """What the mail calls who gets it; whoever has no account is called nothing."""
    if user is None:
        return {}
    # Whoever registered with somebody's address chose the name as well: it greets nobody before the proof.
    is_proven = user.is_verified and recipient == user.email
    return {"name": (user.first_name if is_proven else None) or user.username, "username": user.username}


def _unsubscribing(
    template: Template, record: MailRecord, settings: Settings
) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """The page by which a reader leaves the mail's list, and the headers by which their mail program does."""
    if template not in LISTS:
        return None, ()
    mail_list, path = LISTS[template]
    # A digest is about what its account follows, and has no other target.
    about: dict[str, Any] = {"target_id": record.user_id, **record.details}
    token = unsubscribe_token(settings.jwt, mail_list, about["target_id"])
    one_click = _url(settings, f"/api/v1{path}", token)
    headers = (
        ("List-Unsubscribe", f"<{one_click}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )
    return _url(settings, path, token), headers


def _url(settings: Settings, path: str, token: str) -> str:
    return f"{settings.public_url.rstrip('/')}{path}?token={quote(token)}"


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
