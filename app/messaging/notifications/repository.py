"""Writes preferences and notifications."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Text, cast, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import delete_some
from app.identity.models import User
from app.messaging.notifications.kinds import Category, Channel, Kind
from app.messaging.notifications.models import Notification, NotificationChoice
from app.messaging.notifications.queries import hears_of


class Notice(NamedTuple):
    """What is told: of which event, of what kind, about what, with which details for its text."""

    event_id: int
    kind: Kind
    subject: str | None
    details: Mapping[str, object]


class Choice(NamedTuple):
    """A word on one category by one channel."""

    category: Category
    channel: Channel
    is_on: bool


class NotificationRepository:
    """Notifications, and who wants which."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_owner(self, user_id: int) -> None:
        """Lock the account against others who would change its choices, until the transaction ends."""
        await self._session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))

    async def set_choices(self, user_id: int, choices: Sequence[Choice]) -> None:
        """Keep these choices of the account and no others."""
        await self._session.execute(delete(NotificationChoice).where(NotificationChoice.user_id == user_id))
        if choices:
            rows = [
                {"user_id": user_id, "category": each.category, "channel": each.channel, "is_on": each.is_on}
                for each in choices
            ]
            await self._session.execute(insert(NotificationChoice).values(rows))

    async def add(self, notice: Notice, *recipients: ColumnElement[bool]) -> int:
        """Put the notice into the list of every open account that these conditions on `users` name and that wants it.

        Once, however often it is asked: what is there already stays as it is. How many lists it came into.
        """
        told = select(
            User.id,
            literal(notice.event_id),
            literal(notice.kind.name),
            cast(literal(notice.subject), Text),
            literal(dict(notice.details), JSONB),
        ).where(User.is_active, hears_of(notice.kind, Channel.IN_APP), *recipients)
        columns = ["user_id", "event_id", "kind", "subject", "details"]
        statement = insert(Notification).from_select(columns, told).on_conflict_do_nothing()
        return len((await self._session.scalars(statement.returning(Notification.id))).all())

    async def mark_read(self, user_id: int, *which: ColumnElement[bool]) -> int:
        """Mark unread ones of the account; how many."""
        statement = (
            update(Notification)
            .where(Notification.user_id == user_id, Notification.read_at.is_(None), *which)
            .values(read_at=func.now())
            .returning(Notification.id)
            .execution_options(synchronize_session=False)
        )
        return len((await self._session.scalars(statement)).all())

    async def delete(self, user_id: int, notification_id: int) -> bool:
        """Delete one of the account's; False where there is none."""
        statement = delete(Notification).where(
            Notification.id == notification_id, Notification.user_id == user_id
        )
        return await self._session.scalar(statement.returning(Notification.id)) is not None

    async def purge(self, read_before: datetime, before: datetime) -> int:
        """Delete what was read before the one moment or written before the other; how many."""
        is_over = or_(Notification.read_at < read_before, Notification.created_at < before)
        return await delete_some(self._session, Notification.id, is_over)
