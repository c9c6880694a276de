"""Reads of preferences and notifications."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, answer_number, version_etag
from app.identity.models import User
from app.messaging.notifications.errors import no_notification
from app.messaging.notifications.kinds import IN_APP_KINDS, KINDS, LOCKED, Category, Channel, Kind
from app.messaging.notifications.models import Notification, NotificationChoice
from app.messaging.notifications.schemas import (
    ChannelChoices,
    ChannelOut,
    Choices,
    KindOut,
    NotificationFilter,
    NotificationList,
    NotificationOut,
    PreferencesOut,
    UnreadCount,
)
from app.messaging.notifications.words import say
from app.messaging.push_subscriptions.models import BrowserSubscription

_BY_DEFAULT: Mapping[Channel, ColumnElement[bool]] = {
    Channel.MAIL: func.array_position(User.notifications, literal("email")).is_not(None),
    Channel.IN_APP: true(),
    Channel.SMS: func.array_position(User.notifications, literal("sms")).is_not(None),
    # Whoever subscribed a browser has said so there.
    Channel.PUSH: true(),
}
"""Without a choice: mail and SMS as the profile's `notifications` says."""


HAS_BROWSER = exists().where(BrowserSubscription.user_id == User.id)
"""Of the statement's `users` row."""


def wants(category: Category, channel: Channel) -> ColumnElement[bool]:
    """Whether the account of the statement's `users` row wants to hear of the category by this channel."""
    chosen = (
        select(NotificationChoice.is_on)
        .where(
            NotificationChoice.user_id == User.id,
            NotificationChoice.category == category.value,
            NotificationChoice.channel == channel.value,
        )
        .correlate(User)
        .scalar_subquery()
    )
    return func.coalesce(chosen, _BY_DEFAULT[channel])


def hears_of(kind: Kind, channel: Channel) -> ColumnElement[bool]:
    """Whether the account is told of this kind by this channel: its choice, where the kind leaves one."""
    if channel is Channel.MAIL and kind.is_transactional:
        return true()
    return wants(kind.category, channel)


def is_told(kind: Kind) -> ColumnElement[bool]:
    """Whether the account hears of this kind by mail, in the shop or by a browser that it has."""
    push = and_(hears_of(kind, Channel.PUSH), HAS_BROWSER)
    return or_(hears_of(kind, Channel.MAIL), hears_of(kind, Channel.IN_APP), push)


_CELLS = [(category, channel) for category in Category for channel in Channel]
_CHOICES = select(
    *(wants(*cell).label("_".join(cell)) for cell in _CELLS),
    User.phone.is_not(None).label("has_phone"),
    snapshot_text,
)
_KINDS = [
    KindOut(
        kind=kind.name,
        category=kind.category,
        channels=[channel for channel in Channel if channel in kind.channels],
        transactional=kind.is_transactional,
    )
    for kind in KINDS.values()
]
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Notification.id,
    Notification.kind,
    Notification.subject,
    Notification.details,
    Notification.created_at,
    Notification.read_at,
)
_LATEST_FIRST = Order.by(("-created_at",), {"created_at": Notification.created_at}, Notification.id)


async def get_preferences(
    connection: AsyncConnection, user_id: int, offered: AbstractSet[Channel]
) -> ReadResult:
    """What the account chose. `offered` are the channels that the shop has."""
    row = (await connection.execute(_CHOICES.where(User.id == user_id))).one()
    choices = _choices(row)
    available = {channel: channel in offered for channel in Channel}
    available[Channel.SMS] = available[Channel.SMS] and row.has_phone
    answer = PreferencesOut(
        choices=choices,
        channels=[ChannelOut(channel=channel, available=is_there) for channel, is_there in available.items()],
        kinds=_KINDS,
    )
    return ReadResult(answer, row.snapshot, version_etag(answer_number(choices)))


async def read_choices(connection: AsyncConnection, user_id: int) -> Choices:
    """What the account chose, defaults included."""
    return _choices((await connection.execute(_CHOICES.where(User.id == user_id))).one())


async def list_notifications(
    connection: AsyncConnection, user_id: int, query: NotificationFilter, pager: Pager
) -> ReadResult:
    """One page of the account's notifications, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    kinds = [name for name in IN_APP_KINDS if query.category in {None, KINDS[name].category}]
    matching = select(Notification.id).where(Notification.user_id == user_id, Notification.kind.in_(kinds))
    if query.unread is not None:
        matching = matching.where(Notification.read_at.is_(None) == query.unread)
    found = await find_page(connection, matching, _LATEST_FIRST, window, _COLUMNS)
    language = await _language_of(connection, user_id)
    shown = [_shown(row, language) for row in found.rows]
    page = pager.page(query, window, found, shown)
    unread = await count_unread(connection, user_id)
    return ReadResult(NotificationList(**dict(page), unread=unread), found.snapshot)


async def get_notification(connection: AsyncConnection, user_id: int, notification_id: int) -> ReadResult:
    """One notification of the account. Raises NotificationNotFound."""
    statement = select(*_COLUMNS, User.language, snapshot_text).join(User, User.id == Notification.user_id)
    statement = statement.where(
        Notification.id == notification_id,
        Notification.user_id == user_id,
        Notification.kind.in_(IN_APP_KINDS),
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise no_notification(notification_id)
    return ReadResult(_shown(row, row.language), row.snapshot)


async def get_unread_count(connection: AsyncConnection, user_id: int) -> ReadResult:
    """How many of the account's notifications are unread."""
    statement = select(_unread(user_id).scalar_subquery().label("unread"), snapshot_text)
    row = (await connection.execute(statement)).one()
    return ReadResult(UnreadCount(unread=row.unread), row.snapshot)


async def count_unread(connection: AsyncConnection, user_id: int) -> int:
    """How many of the account's notifications are unread."""
    return int((await connection.execute(_unread(user_id))).scalar_one())


def _unread(user_id: int) -> Any:
    return (
        select(func.count())
        .select_from(Notification)
        .where(
            Notification.user_id == user_id,
            Notification.read_at.is_(None),
            Notification.kind.in_(IN_APP_KINDS),
        )
    )


async def _language_of(connection: AsyncConnection, user_id: int) -> str | None:
    language: str | None = (
        await connection.execute(select(User.language).where(User.id == user_id))
    ).scalar_one()
    return language


def _choices(row: AnyRow) -> Choices:
    chosen = {
        category: {channel: getattr(row, f"{category}_{channel}") for channel in Channel}
        for category in Category
    }
    for category in LOCKED:
        chosen[category][Channel.MAIL] = True
    return Choices(**{category.value: ChannelChoices(**channels) for category, channels in chosen.items()})


def _shown(row: AnyRow, language: str | None) -> NotificationOut:
    said = say(row.kind, row.details, language)
    return NotificationOut(
        id=row.id,
        kind=row.kind,
        category=KINDS[row.kind].category,
        title=said.title,
        text=said.text,
        subject=row.subject,
        created_at=row.created_at,
        read_at=row.read_at,
    )
