"""Writes preferences and notifications."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    cast,
    delete,
    false,
    func,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import delete_some
from app.identity.models import User
from app.messaging.notifications.kinds import Category, Channel, Kind
from app.messaging.notifications.models import Notification, NotificationChoice, NotificationDelivery
from app.messaging.notifications.queries import HAS_BROWSER, hears_of
from app.messaging.push_subscriptions.models import BrowserSubscription


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

    async def turn_off(self, user_id: int, category: Category, channel: Channel) -> None:
        """Keep that the account, if there still is one, does not want this."""
        said = select(User.id, literal(category.value), literal(channel.value), false()).where(
            User.id == user_id
        )
        off = insert(NotificationChoice).from_select(["user_id", "category", "channel", "is_on"], said)
        await self._session.execute(
            off.on_conflict_do_update(
                index_elements=["user_id", "category", "channel"], set_={"is_on": False}
            )
        )

    async def add(self, notice: Notice, user_id: int) -> int | None:
        """Put the notice into the list of the open account, if it wants that; the id.

        None where it is not to be there, or is there already.
        """
        told = _told(notice, Channel.IN_APP).where(User.id == user_id)
        statement = insert(Notification).from_select(_TOLD, told).on_conflict_do_nothing()
        return await self._session.scalar(statement.returning(Notification.id))

    async def queue(self, notice: Notice, channel: Channel, user_id: int) -> int | None:
        """Have the notice sent to the open account by SMS or push, if it wants that and can be reached; the id.

        None where it is not to be sent, or is on its way already.
        """
        is_reached = User.phone.is_not(None) if channel is Channel.SMS else HAS_BROWSER
        told = (
            _told(notice, channel).add_columns(literal(channel.value)).where(User.id == user_id, is_reached)
        )
        statement = insert(NotificationDelivery).from_select([*_TOLD, "channel"], told)
        return await self._session.scalar(
            statement.on_conflict_do_nothing().returning(NotificationDelivery.id)
        )

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
        is_sent = NotificationDelivery.created_at < read_before
        await delete_some(self._session, NotificationDelivery.id, is_sent)
        is_over = or_(Notification.read_at < read_before, Notification.created_at < before)
        return await delete_some(self._session, Notification.id, is_over)


class DispatchRepository:
    """Notifications on their way by SMS and push."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, delivery_id: int) -> NotificationDelivery | None:
        """The delivery, if it is still to be sent, locked until the transaction ends."""
        statement = select(NotificationDelivery).where(
            NotificationDelivery.id == delivery_id, NotificationDelivery.state == "queued"
        )
        return (await self._session.scalars(statement.with_for_update())).one_or_none()

    async def get_user(self, user_id: int) -> User:
        """The account that a delivery is for; what is deleted takes its deliveries along."""
        return await self._session.get_one(User, user_id)

    async def list_browsers(self, user_id: int, reached: Sequence[int]) -> Sequence[BrowserSubscription]:
        """The account's subscriptions but these."""
        statement = select(BrowserSubscription).where(
            BrowserSubscription.user_id == user_id, BrowserSubscription.id.not_in(reached)
        )
        return (await self._session.scalars(statement.order_by(BrowserSubscription.id))).all()

    async def reach(self, delivery_id: int, subscription_id: int) -> None:
        """Record that this subscription is done with."""
        reached = func.array_append(NotificationDelivery.reached, subscription_id)
        await self._session.execute(
            update(NotificationDelivery)
            .where(NotificationDelivery.id == delivery_id)
            .values(reached=reached)
            .execution_options(synchronize_session=False)
        )

    async def forget_browser(self, subscription_id: int) -> None:
        """Delete a subscription that has ended."""
        await self._session.execute(
            delete(BrowserSubscription).where(BrowserSubscription.id == subscription_id)
        )

    async def settle(self, delivery_id: int, state: str) -> None:
        """Record what became of the delivery."""
        sent_at = func.now() if state == "sent" else null()
        await self._session.execute(
            update(NotificationDelivery)
            .where(NotificationDelivery.id == delivery_id, NotificationDelivery.state == "queued")
            .values(state=state, sent_at=sent_at)
            .execution_options(synchronize_session=False)
        )


_TOLD = ("user_id", "event_id", "kind", "subject", "details")


def _told(notice: Notice, channel: Channel) -> Select[Any]:
    return select(
        User.id,
        literal(notice.event_id),
        literal(notice.kind.name),
        cast(literal(notice.subject), Text),
        literal(dict(notice.details), JSONB),
    ).where(User.is_active, hears_of(notice.kind, channel))
