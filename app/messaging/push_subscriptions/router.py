"""`/api/v1/users/me/push-subscriptions`: browsers that push messages go to; `/api/v1/push/vapid-key`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from app.core.db.paging import Page, PagerDep
from app.core.db.transaction import SessionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.core.push import public_key
from app.identity.authentication.deps import ProfileEditor, ProfileReader
from app.messaging.push_subscriptions import queries
from app.messaging.push_subscriptions.errors import (
    PushEndpointRefused,
    PushNotOffered,
    PushSubscriptionNotFound,
    PushSubscriptionTaken,
    TooManyPushSubscriptions,
)
from app.messaging.push_subscriptions.schemas import (
    PushSubscriptionFilter,
    PushSubscriptionIn,
    PushSubscriptionOut,
    VapidKeyOut,
)
from app.messaging.push_subscriptions.service import BrowserSubscriptionService

router = APIRouter(prefix="/api/v1", tags=["notifications"], route_class=IdempotentRoute)

_PATH = "/users/me/push-subscriptions"


async def get_push_subscription_service(request: Request, session: SessionDep) -> BrowserSubscriptionService:
    """Push subscriptions on the request's transaction."""
    state = request.app.state
    return BrowserSubscriptionService.build(session, state.settings, state.outbound)


PushSubscriptionServiceDep = Annotated[
    BrowserSubscriptionService, Depends(get_push_subscription_service, scope="function")
]


@router.get("/push/vapid-key", summary="Read the key for push messages", responses=problems(PushNotOffered))
async def get_vapid_key(request: Request) -> VapidKeyOut:
    """The shop's public key, with which a browser subscribes (VAPID, RFC 8292)."""
    key = public_key(request.app.state.settings)
    if key is None:
        raise PushNotOffered("The shop sends no push messages.")
    return VapidKeyOut(public_key=key)


@router.get(_PATH, summary="List one's push subscriptions", response_model=Page[PushSubscriptionOut])
async def list_push_subscriptions(
    query: Annotated[PushSubscriptionFilter, Query()], owner: ProfileReader, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the browsers that one's push messages go to, the latest first."""
    return await hot.answer_private(
        partial(queries.list_subscriptions, user_id=owner.user_id, query=query, pager=pager)
    )


@router.post(
    _PATH,
    status_code=201,
    summary="Subscribe a browser to push messages",
    response_model=PushSubscriptionOut,
    responses=problems(PushNotOffered, PushEndpointRefused, PushSubscriptionTaken, TooManyPushSubscriptions),
    dependencies=[IDEMPOTENT],
)
async def create_push_subscription(
    subscription: PushSubscriptionIn,
    owner: ProfileEditor,
    subscriptions: PushSubscriptionServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Send what `PushSubscription.toJSON()` says. A browser that is known gets its new keys; at most 10 are kept.

    What the push service calls gone (404, 410) is removed.
    """
    made = await subscriptions.subscribe(owner, subscription)
    read = partial(queries.get_subscription, user_id=owner.user_id, subscription_id=made)
    return await read_back(read, status=201, location=f"/api/v1{_PATH}/{made}")


@router.get(
    _PATH + "/{subscription_id}",
    summary="Read one's push subscription",
    response_model=PushSubscriptionOut,
    responses=problems(PushSubscriptionNotFound),
)
async def get_push_subscription(subscription_id: RowId, owner: ProfileReader, hot: HotDep) -> Response:
    """One of the browsers that one's push messages go to."""
    return await hot.answer_private(
        partial(queries.get_subscription, user_id=owner.user_id, subscription_id=subscription_id)
    )


@router.delete(
    _PATH + "/{subscription_id}",
    status_code=204,
    summary="Delete a push subscription",
    responses=problems(PushSubscriptionNotFound),
)
async def delete_push_subscription(
    subscription_id: RowId, owner: ProfileEditor, subscriptions: PushSubscriptionServiceDep
) -> None:
    """Send no more push messages to this browser."""
    await subscriptions.unsubscribe(owner.user_id, subscription_id)
