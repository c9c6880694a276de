"""Sends a queued mail, at most once as far as that can be known.

In order: the mail is prepared in one transaction; outside of any, the server is asked to take
it; right before the content leaves, a second transaction remembers that; a third one records the
answer. Killed before the second, a worker has sent nothing, and another starts over. Killed after
the third, the mail is `sent`. Killed in between, nobody can know: servers keep a mail whose sender
hung up after the last byte, so it is not sent again but becomes a dead letter that says so. The
one way to lose a mail is to die between the second commit and the last byte, a round trip to the
mail server; the dead letter says so then too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from app.core.clock import utc_now
from app.core.db.faults import Fault
from app.core.events import outbox
from app.core.events.events import Delivery, HandlerContext, PermanentFailure, RetryAfter, delivers
from app.core.mail import CONTENT_TIMEOUTS, Mail, MailDelayed, MailInDoubt, MailRefused, RecipientUnknown
from app.messaging.email.events import MailQueued
from app.messaging.email.service import AlreadyHandedOver, MailService

_LONGEST_PAUSE = 5.0
_log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """Another worker took the mail over before its content left."""


@delivers(MailQueued)
async def deliver_mail(outside: HandlerContext, event: MailQueued, delivery: Delivery) -> None:
    """Send the mail. Raises PermanentFailure when the server refuses it for good, or nobody can know what it did."""
    mail = await _prepare(outside, event.mail_id)
    if mail is None:
        return

    async def hand_over() -> None:
        async with outside.transaction() as session:
            if not (
                await outbox.is_ours(session, delivery)
                and await MailService.build(session).hand_over(event.mail_id)
            ):
                raise LeaseLost

    try:
        await outside.mailer.send(mail, hand_over)
    except LeaseLost:
        raise RetryAfter("another worker has the mail", outside.settings.worker.lease) from None
    except MailDelayed:
        await _record(outside, lambda mails: mails.put_back(event.mail_id))
        raise
    except MailRefused as refusal:
        bounce = str(refusal) if isinstance(refusal, RecipientUnknown) else None
        await _record(outside, lambda mails: mails.refuse(event.mail_id, bounce))
        raise PermanentFailure(f"the mail server refuses the mail: {refusal}") from refusal
    except MailInDoubt as doubt:
        raise PermanentFailure(f"not sent again: {doubt}") from doubt
    await _record(outside, lambda mails: mails.accept(event.mail_id))
    _log.info("mail_sent", mail_id=event.mail_id, message_id=mail.message_id)


async def _prepare(outside: HandlerContext, mail_id: int) -> Mail | None:
    try:
        async with outside.transaction() as session:
            return await MailService.build(session).prepare(mail_id, outside.settings)
    except AlreadyHandedOver as earlier:
        # Whoever handed it over may still live, wait for the server's answer, and have to record it.
        settings = outside.settings
        longest = timedelta(seconds=settings.mail.timeout * (CONTENT_TIMEOUTS + 1) + settings.worker.lease)
        wait = (earlier.at + longest - utc_now()).total_seconds()
        if wait > 0:
            raise RetryAfter("another worker awaits the mail server's answer", wait) from None
        raise PermanentFailure(f"not sent again: {earlier}, and the worker died before the answer") from None


async def _record(outside: HandlerContext, change: Callable[[MailService], Awaitable[None]]) -> None:
    """Record what the server said, and insist while PostgreSQL is away: nobody else knows it."""
    pause = 0.1
    while True:
        try:
            async with outside.transaction() as session:
                await change(MailService.build(session))
                return
        except Exception as fault:
            if not Fault.of(fault).is_passing:
                raise
            _log.warning("mail_outcome_not_recorded", error=fault)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
