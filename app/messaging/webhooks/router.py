"""`/api/v1/webhooks`: addresses that hear of events, and what was sent to each."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import ProfileReader
from app.messaging.access import heard_by
from app.messaging.webhooks import queries
from app.messaging.webhooks.deps import WebhookKeeper, WebhookOwner, WebhookServiceDep
from app.messaging.webhooks.errors import (
    ReplayTooLarge,
    TooManyWebhooks,
    WebhookDeliveryNotFound,
    WebhookIsDisabled,
    WebhookNotFound,
    WebhookUrlRefused,
)
from app.messaging.webhooks.schemas import (
    DeliveryFilter,
    ReplayIn,
    ReplayOut,
    RotationIn,
    WebhookCreated,
    WebhookDeliveryDetails,
    WebhookDeliveryOut,
    WebhookFilter,
    WebhookIn,
    WebhookOut,
    WebhookPatch,
    WebhookTestIn,
)
from app.messaging.webhooks.service import Made, seen_by

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], route_class=IdempotentRoute)


@router.get("", summary="List webhooks", response_model=Page[WebhookOut])
async def list_webhooks(
    query: Annotated[WebhookFilter, Query()], caller: ProfileReader, pager: PagerDep, hot: HotDep
) -> Response:
    """A page of one's own webhooks, the latest first; of everybody's for whoever manages them."""
    owner_id = heard_by(caller, all_accounts=query.everybody)
    return await hot.answer_private(
        partial(queries.list_webhooks, owner_id=owner_id, query=query, pager=pager)
    )


@router.post(
    "",
    status_code=201,
    summary="Register a webhook",
    response_model=WebhookCreated,
    responses=problems(WebhookUrlRefused, TooManyWebhooks),
    dependencies=[IDEMPOTENT],
)
async def create_webhook(
    webhook: WebhookIn, owner: WebhookKeeper, webhooks: WebhookServiceDep, read_back: ReadBackDep
) -> Response:
    """Have events sent to an address, signed as Standard Webhooks says. Only this answer shows `secret`.

    An event is sent until the address answers 2xx within 15 seconds: ten times over three days. It may come more
    than once, always with the same `webhook-id`.
    """
    made = await webhooks.create(owner, webhook)
    return await _shown_once(made, owner.user_id, read_back, status=201)


@router.get(
    "/{webhook_id}",
    summary="Read a webhook",
    response_model=WebhookOut,
    responses=problems(WebhookNotFound),
)
async def get_webhook(webhook_id: RowId, caller: ProfileReader, hot: HotDep) -> Response:
    """One of one's own webhooks, without its secret. Sends an ETag for `If-Match`."""
    return await hot.answer_private(
        partial(queries.get_webhook, webhook_id=webhook_id, owner_id=seen_by(caller))
    )


@router.patch(
    "/{webhook_id}",
    summary="Change a webhook",
    response_model=WebhookOut,
    responses=problems(WebhookUrlRefused),
)
async def change_webhook(
    webhook_id: RowId,
    patch: WebhookPatch,
    owner: WebhookKeeper,
    precondition: PreconditionDep,
    webhooks: WebhookServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. Disabling makes dead letters of what waits; `replay` sends it once it is enabled."""
    await webhooks.change(owner, webhook_id, precondition, patch)
    return await read_back(partial(queries.get_webhook, webhook_id=webhook_id, owner_id=owner.user_id))


@router.delete("/{webhook_id}", status_code=204, summary="Delete a webhook")
async def delete_webhook(
    webhook_id: RowId, caller: WebhookOwner, precondition: PreconditionDep, webhooks: WebhookServiceDep
) -> None:
    """Delete a webhook: nothing is sent to it any more, and its deliveries are gone. Whoever manages webhooks deletes anybody's."""
    await webhooks.delete(caller, webhook_id, precondition)


@router.post(
    "/{webhook_id}/rotate-secret",
    status_code=201,
    summary="Replace a webhook's secret",
    response_model=WebhookCreated,
    responses=problems(WebhookNotFound),
    dependencies=[IDEMPOTENT],
)
async def rotate_webhook_secret(
    webhook_id: RowId,
    owner: WebhookKeeper,
    webhooks: WebhookServiceDep,
    read_back: ReadBackDep,
    rotation: RotationIn | None = None,
) -> Response:
    """Make a new secret and a new key, shown this once; for a day, unless said otherwise, requests are signed with
    the old ones as well, the last three at most.
    """
    made = await webhooks.rotate(owner, webhook_id, rotation or RotationIn())
    return await _shown_once(made, owner.user_id, read_back, status=201)


@router.post(
    "/{webhook_id}/test",
    status_code=202,
    summary="Send a made-up event",
    response_model=WebhookDeliveryDetails,
    responses=problems(WebhookNotFound, WebhookIsDisabled),
    dependencies=[IDEMPOTENT],
)
async def send_webhook_test(
    webhook_id: RowId,
    owner: WebhookOwner,
    webhooks: WebhookServiceDep,
    read_back: ReadBackDep,
    test: WebhookTestIn | None = None,
) -> Response:
    """Send an event that never happened, signed and tried like any other; its `webhook-id` begins with `test_`."""
    delivery_id = await webhooks.send_test(owner, webhook_id, (test or WebhookTestIn()).event)
    return await _queued(webhook_id, delivery_id, owner.user_id, read_back)


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    summary="Send the events of a window",
    responses=problems(WebhookNotFound, WebhookIsDisabled, ReplayTooLarge),
    dependencies=[IDEMPOTENT],
)
async def replay_webhook(
    webhook_id: RowId, window: ReplayIn, owner: WebhookOwner, webhooks: WebhookServiceDep, response: Response
) -> ReplayOut:
    """Send what of the last 30 days it was never sent, or was given up; what was delivered is not sent again."""
    response.headers["Location"] = f"/api/v1/webhooks/{webhook_id}/deliveries"
    return await webhooks.replay(owner, webhook_id, window)


@router.get(
    "/{webhook_id}/deliveries",
    summary="List a webhook's deliveries",
    response_model=Page[WebhookDeliveryOut],
    responses=problems(WebhookNotFound),
)
async def list_webhook_deliveries(
    webhook_id: RowId,
    query: Annotated[DeliveryFilter, Query()],
    caller: ProfileReader,
    pager: PagerDep,
    hot: HotDep,
) -> Response:
    """A page of what it was sent, or is to be, in the last 30 days, the latest first."""
    read = partial(queries.list_deliveries, webhook_id=webhook_id, owner_id=seen_by(caller))
    return await hot.answer_private(partial(read, query=query, pager=pager))


@router.get(
    "/{webhook_id}/deliveries/{delivery_id}",
    summary="Read a delivery",
    response_model=WebhookDeliveryDetails,
    responses=problems(WebhookNotFound, WebhookDeliveryNotFound),
)
async def get_webhook_delivery(
    webhook_id: RowId, delivery_id: RowId, caller: ProfileReader, hot: HotDep
) -> Response:
    """What was sent, and what came of each try: status, duration, the first 2 KB of the answer."""
    read = partial(queries.get_delivery, webhook_id=webhook_id, delivery_id=delivery_id)
    return await hot.answer_private(partial(read, owner_id=seen_by(caller)))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Send an event again",
    response_model=WebhookDeliveryDetails,
    responses=problems(WebhookNotFound, WebhookIsDisabled, WebhookDeliveryNotFound),
    dependencies=[IDEMPOTENT],
)
async def redeliver_webhook(
    webhook_id: RowId,
    delivery_id: RowId,
    owner: WebhookOwner,
    webhooks: WebhookServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Send it at once with the same `webhook-id`, delivered or dead, and with ten tries."""
    await webhooks.redeliver(owner, webhook_id, delivery_id)
    return await _queued(webhook_id, delivery_id, owner.user_id, read_back)


async def _shown_once(made: Made, owner_id: int, read_back: ReadBackDep, status: int) -> Response:
    read = partial(queries.get_new_webhook, webhook_id=made.webhook_id, owner_id=owner_id, secret=made.secret)
    return await read_back(read, status=status, location=f"/api/v1/webhooks/{made.webhook_id}")


async def _queued(webhook_id: int, delivery_id: int, owner_id: int, read_back: ReadBackDep) -> Response:
    read = partial(queries.get_delivery, webhook_id=webhook_id, delivery_id=delivery_id, owner_id=owner_id)
    location = f"/api/v1/webhooks/{webhook_id}/deliveries/{delivery_id}"
    return await read_back(read, status=202, location=location)
