"""`/api/v1/users/me/notifications`: what one was told, and what one wants to be told."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.core.db.paging import PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.conditional import PreconditionDep
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.core.push import is_push_offered
from app.core.sms import is_sms_offered
from app.identity.authentication.deps import ProfileEditor, ProfileReader
from app.messaging.notifications import queries
from app.messaging.notifications.errors import NotificationNotFound, TransactionalMail
from app.messaging.notifications.kinds import Channel
from app.messaging.notifications.schemas import (
    NotificationFilter,
    NotificationList,
    NotificationOut,
    PreferencesIn,
    PreferencesOut,
    ReadAll,
    UnreadCount,
)
from app.messaging.notifications.service import NotificationService

router = APIRouter(prefix="/api/v1/users/me", tags=["notifications"])


async def get_notification_service(session: SessionDep) -> NotificationService:
    """Notifications on the request's transaction."""
    return NotificationService.build(session)


async def get_offered_channels(request: Request) -> frozenset[Channel]:
    """The channels that the shop has."""
    settings = request.app.state.settings
    offered = {Channel.MAIL, Channel.IN_APP}
    if is_sms_offered(settings):
        offered.add(Channel.SMS)
    if is_push_offered(settings):
        offered.add(Channel.PUSH)
    return frozenset(offered)


NotificationServiceDep = Annotated[NotificationService, Depends(get_notification_service, scope="function")]
OfferedChannels = Annotated[frozenset[Channel], Depends(get_offered_channels)]


@router.get(
    "/notification-preferences", summary="Read what one wants to be told", response_model=PreferencesOut
)
async def get_notification_preferences(
    owner: ProfileReader, offered: OfferedChannels, hot: HotDep
) -> Response:
    """One's choices by category and channel, the channels that the shop has, and the kinds of notifications.

    Where nothing was chosen, mail and SMS are as the profile's `notifications` says; lists in the shop and push
    are on. Sends an ETag for `If-Match`.
    """
    return await hot.answer_private(partial(queries.get_preferences, user_id=owner.user_id, offered=offered))


@router.put(
    "/notification-preferences",
    summary="Choose what one wants to be told",
    response_model=PreferencesOut,
    responses=problems(TransactionalMail),
)
async def choose_notifications(
    preferences: PreferencesIn,
    owner: ProfileEditor,
    precondition: PreconditionDep,
    offered: OfferedChannels,
    notifications: NotificationServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Replace all choices; what is left out is as by default. Mails about the account and orders stay on."""
    await notifications.choose(owner.user_id, precondition, preferences.choices)
    return await read_back(partial(queries.get_preferences, user_id=owner.user_id, offered=offered))


@router.get("/notifications", summary="List one's notifications", response_model=NotificationList)
async def list_notifications(
    query: Annotated[NotificationFilter, Query()], owner: ProfileReader, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of what one was told, the latest first, in the profile's language; and how many are unread.

    What was read is kept for 90 days, the rest for 180.
    """
    return await hot.answer_private(
        partial(queries.list_notifications, user_id=owner.user_id, query=query, pager=pager)
    )


@router.get(
    "/notifications/unread-count", summary="Count one's unread notifications", response_model=UnreadCount
)
async def count_unread_notifications(owner: ProfileReader, hot: HotDep) -> Response:
    """How many notifications one has not read."""
    return await hot.answer_private(partial(queries.get_unread_count, user_id=owner.user_id))


@router.post(
    "/notifications/read-all", summary="Mark one's notifications as read", response_model=UnreadCount
)
async def mark_all_notifications_read(
    owner: ProfileEditor,
    notifications: NotificationServiceDep,
    read_back: ReadBackDep,
    which: ReadAll | None = None,
) -> Response:
    """Mark all as read, up to the one that is named; answers how many are unread now."""
    await notifications.mark_all_read(owner.user_id, which.up_to if which else None)
    return await read_back(partial(queries.get_unread_count, user_id=owner.user_id))


@router.post(
    "/notifications/{notification_id}/read",
    summary="Mark a notification as read",
    response_model=NotificationOut,
    responses=problems(NotificationNotFound),
)
async def mark_notification_read(
    notification_id: RowId,
    owner: ProfileEditor,
    notifications: NotificationServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Mark it as read; one that was read before keeps its moment."""
    await notifications.mark_read(owner.user_id, notification_id)
    read = partial(queries.get_notification, user_id=owner.user_id, notification_id=notification_id)
    return await read_back(read)


@router.delete(
    "/notifications/{notification_id}",
    status_code=204,
    summary="Delete a notification",
    responses=problems(NotificationNotFound),
)
async def delete_notification(
    notification_id: RowId, owner: ProfileEditor, notifications: NotificationServiceDep
) -> None:
    """Take it out of one's list."""
    await notifications.delete(owner.user_id, notification_id)
