"""What the worker does for alerts."""

from datetime import timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, handles, publish
from app.core.events.feed import EventsSequenced
from app.core.events.jobs import scheduled
from app.messaging.alerts.events import AlertRequested, AlertsDue, AlertTold
from app.messaging.alerts.models import AlertState
from app.messaging.alerts.repository import AlertRepository, Retention
from app.messaging.alerts.service import AlertService
from app.messaging.email.lists import OPT_IN_LIFETIME
from app.messaging.email.repository import MailRepository
from app.messaging.email.service import MailOfList, MailService, Recipient
from app.messaging.email.templates import Template
from app.messaging.notifications.kinds import KINDS
from app.messaging.notifications.repository import Notice
from app.messaging.notifications.service import NotificationService

KEEP_DONE = timedelta(days=90)
_log = structlog.get_logger(__name__)


class MailOfAlert(MailOfList):
    """What the mail that asks for a confirmation says."""

    kind: str
    title: str


@handles(EventsSequenced)
async def look_for_alerts(session: AsyncSession, event: EventsSequenced, _delivery: Delivery) -> None:
    """Have alerts told in a transaction of their own, which waits for others of its kind."""
    if await AlertRepository(session).are_waited_for(event.first, event.last):
        await publish(session, AlertsDue(event.first, event.last))


@handles(AlertsDue)
async def tell_alerts(session: AsyncSession, event: AlertsDue, _delivery: Delivery) -> None:
    """Queue the mails."""
    count = await AlertService.build(session).tell(event)
    _log.info("alerts_told", count=count)


@handles(AlertTold)
async def tell_owner(session: AsyncSession, event: AlertTold, _delivery: Delivery) -> None:
    """Tell the account in the shop and by push, as it chose: not after the mail, which may be refused."""
    mail = await MailRepository(session).find(event.mail_id)
    if mail is None or mail.user_id is None:
        return
    kind = KINDS[mail.template]
    details = {name: mail.details[name] for name in kind.details}
    notice = Notice(mail.event_id, kind, f"item:{mail.details['item_id']}", details)
    await NotificationService.build(session).tell(notice, mail.user_id)


@handles(AlertRequested)
async def ask_for_confirmation(session: AsyncSession, event: AlertRequested, delivery: Delivery) -> None:
    """Mail the address a link, unless it waits already or the alert was deleted meanwhile."""
    alerts = AlertRepository(session)
    alert = await alerts.find(event.alert_id)
    if alert is None or alert.state != AlertState.PENDING:
        return
    title = await alerts.find_title(alert.item_id)
    about = MailOfAlert(target_id=alert.id, kind=alert.kind, title=title)
    to = Recipient(email=alert.email, language=alert.language)
    await MailService.build(session).queue(delivery, Template.ALERT_CONFIRM, to, about)


@scheduled("purge_alerts", timedelta(hours=1))
async def purge_alerts(session: AsyncSession) -> int:
    """Delete alerts that nobody confirmed within the life of a link, and those told three months ago."""
    now = utc_now()
    return await AlertRepository(session).purge(Retention(now - OPT_IN_LIFETIME, now - KEEP_DONE))
