"""Followers are told of what is new: what became visible is noted at once, and told once an hour in one message."""

from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import utc_now
from app.core.events.events import Delivery, handles
from app.core.events.feed import EventsSequenced
from app.core.events.jobs import scheduled
from app.messaging.email.service import MailService, Recipient
from app.messaging.email.templates import Template
from app.messaging.follows.events import FollowerDue
from app.messaging.follows.queries import find_new_titles
from app.messaging.follows.repository import FollowRepository
from app.messaging.notifications.kinds import KINDS
from app.messaging.notifications.repository import Notice
from app.messaging.notifications.service import NotificationService

KEEP_TOLD = timedelta(days=180)
MOST_IN_MAIL = 10
MOST_IN_SHOP = 3
_LONGEST_TITLE = 200


class MailedTitle(BaseModel):
    """A new item as a mail has it."""

    title: str
    author: str | None


class MailedTitles(BaseModel):
    """What is new, and how many more there are."""

    titles: list[MailedTitle]
    more: int


@handles(EventsSequenced)
async def note_new_items(session: AsyncSession, event: EventsSequenced, _delivery: Delivery) -> None:
    """Note what became visible, whoever follows it."""
    await FollowRepository(session).note_new_items(event.first, event.last)


@scheduled("tell_followers", timedelta(hours=1))
async def tell_followers(session: AsyncSession) -> int:
    """Have everybody told who follows anything that is new since the last run."""
    follows, now = FollowRepository(session), utc_now()
    await follows.purge(now - KEEP_TOLD)
    return await follows.open_run(now)


@handles(FollowerDue)
async def tell_follower(session: AsyncSession, event: FollowerDue, delivery: Delivery) -> None:
    """Tell one follower of all that the run has for them, in one message by each channel."""
    told_at = datetime.fromisoformat(event.told_at)
    new = await find_new_titles(session, event.user_id, told_at, MOST_IN_MAIL)
    if not new.first:
        return
    titles = [
        MailedTitle(title=shortened(each.title), author=each.author and shortened(each.author))
        for each in new.first
    ]
    named = "; ".join(each.title for each in titles[:MOST_IN_SHOP])
    left = new.total - MOST_IN_SHOP
    subject = f"item:{new.first[0].item_id}" if new.total == 1 else None
    details = {"titles": f"{named} … (+{left})" if left > 0 else named}
    notice = Notice(delivery.id, KINDS[Template.FOLLOWED_ITEMS], subject, details)
    await NotificationService.build(session).tell(notice, event.user_id)
    mailed = MailedTitles(titles=titles, more=new.total - len(titles))
    to = Recipient(event.user_id)
    await MailService.build(session).queue(delivery, Template.FOLLOWED_ITEMS, to, mailed)


def shortened(text: str) -> str:
    """The text as a line of a message has it."""
    return text if len(text) <= _LONGEST_TITLE else text[: _LONGEST_TITLE - 1] + "…"
