"""Staff who may read accounts are told once a day how many were opened on the day before, by name the first ones."""

from datetime import date, timedelta

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import shop_today, start_of_day
from app.core.events.events import Delivery, handles
from app.core.events.jobs import scheduled
from app.messaging.email.service import MailService, Recipient
from app.messaging.email.templates import Template
from app.messaging.notifications.kinds import KINDS
from app.messaging.notifications.repository import Notice
from app.messaging.notifications.service import NotificationService
from app.messaging.staff_notes.events import StaffNoteDue
from app.messaging.staff_notes.repository import NewAccounts, announce_day, find_new_accounts

_DAY = timedelta(days=1)


class MailedAccounts(BaseModel):
    """What the mail says."""

    count: int
    names: list[str]
    more: int


@scheduled("tell_staff_of_accounts", _DAY)
async def tell_staff_of_accounts(session: AsyncSession) -> int:
    """Have staff told of yesterday, by the shop's own zone; of a day without new accounts nobody is."""
    day = shop_today() - _DAY
    opened = await _of(session, day)
    return await announce_day(session, day.isoformat()) if opened.total else 0


@handles(StaffNoteDue)
async def tell_staff(session: AsyncSession, event: StaffNoteDue, delivery: Delivery) -> None:
    """Tell one member of staff."""
    opened = await _of(session, date.fromisoformat(event.day))
    if not opened.total:
        return
    names, more = list(opened.names), opened.total - len(opened.names)
    listed = ", ".join(names) + (f" … (+{more})" if more else "")
    details = {"count": opened.total, "names": listed, "day": event.day}
    notice = Notice(delivery.id, KINDS[Template.NEW_ACCOUNTS], None, details)
    await NotificationService.build(session).tell(notice, event.user_id)
    mailed = MailedAccounts(count=opened.total, names=names, more=more)
    to = Recipient(event.user_id)
    await MailService.build(session).queue(delivery, Template.NEW_ACCOUNTS, to, mailed)


async def _of(session: AsyncSession, day: date) -> NewAccounts:
    return await find_new_accounts(session, start_of_day(day), start_of_day(day + _DAY))
