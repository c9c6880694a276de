"""Choosing what one is told, being told, and reading it."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import FieldProblem
from app.core.events.events import publish
from app.core.http.conditional import Precondition
from app.core.http.responses import answer_number
from app.messaging.notifications.errors import TransactionalMail, no_notification
from app.messaging.notifications.events import NotificationCreated, NotificationQueued
from app.messaging.notifications.kinds import LOCKED, Category, Channel
from app.messaging.notifications.models import Notification
from app.messaging.notifications.queries import read_choices
from app.messaging.notifications.repository import Choice, Notice, NotificationRepository
from app.messaging.notifications.schemas import ChoicesIn


class NotificationService:
    """Keeps what people chose, and their lists of notifications."""

    def __init__(self, session: AsyncSession, notifications: NotificationRepository) -> None:
        self._session = session
        self._notifications = notifications

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, NotificationRepository(session))

    async def choose(self, user_id: int, precondition: Precondition, request: ChoicesIn) -> None:
        """Replace all choices of the account; what is not named is as by default.

        Raises StaleVersion, and TransactionalMail where mails are turned off that cannot be.
        """
        await self._notifications.lock_owner(user_id)
        present = await read_choices(await self._session.connection(), user_id)
        precondition.check(answer_number(present))
        choices = [
            Choice(Category(category), Channel(channel), is_on)
            for category, channels in request.sent().items()
            for channel, is_on in channels.sent().items()
        ]
        locked = [one for one in choices if one.channel is Channel.MAIL and one.category in LOCKED]
        refused = [one.category for one in locked if not one.is_on]
        if refused:
            told = " and ".join(refused)
            raise TransactionalMail(f"Mails about {told} are always sent.", errors=_problems(refused))
        await self._notifications.set_choices(user_id, [one for one in choices if one not in locked])

    async def turn_off(self, user_id: int, category: Category, channel: Channel) -> None:
        """Tell the account no more about this category by this channel; one that is gone is told nothing anyway."""
        await self._notifications.lock_owner(user_id)
        await self._notifications.turn_off(user_id, category, channel)

    async def tell(self, notice: Notice, user_id: int) -> None:
        """Tell one account, by the channels that it wants; once, however often it is asked."""
        if Channel.IN_APP in notice.kind.channels:
            added = await self._notifications.add(notice, user_id)
            if added is not None:
                kind = notice.kind
                created = NotificationCreated(added, user_id, kind.name, kind.category, notice.subject)
                await publish(self._session, created)
        for channel in (Channel.SMS, Channel.PUSH):
            if channel in notice.kind.channels:
                queued = await self._notifications.queue(notice, channel, user_id)
                if queued is not None:
                    await publish(self._session, NotificationQueued(queued))

    async def mark_read(self, user_id: int, notification_id: int) -> None:
        """Mark one as read; one that was stays so. Whoever reads it back finds out whether there is one."""
        await self._notifications.mark_read(user_id, Notification.id == notification_id)

    async def mark_all_read(self, user_id: int, up_to: int | None) -> int:
        """Mark all as read, up to this id where one is given; how many were not."""
        which = () if up_to is None else (Notification.id <= up_to,)
        return await self._notifications.mark_read(user_id, *which)

    async def delete(self, user_id: int, notification_id: int) -> None:
        """Delete one. Raises NotificationNotFound."""
        if not await self._notifications.delete(user_id, notification_id):
            raise no_notification(notification_id)


def _problems(categories: list[Category]) -> list[FieldProblem]:
    message = "cannot be turned off"
    return [
        {"field": f"choices.{category}.mail", "message": message, "type": TransactionalMail.code}
        for category in categories
    ]
