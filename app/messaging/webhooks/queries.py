"""Reads webhooks and their deliveries."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import SQLColumnExpression, case, null, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, answer_number, version_etag
from app.messaging.webhooks.errors import no_delivery, no_webhook
from app.messaging.webhooks.models import WebhookDelivery, WebhookEndpoint, WebhookTry
from app.messaging.webhooks.schemas import (
    DeliveryFilter,
    DeliveryRequest,
    DeliveryTry,
    WebhookCreated,
    WebhookDeliveryDetails,
    WebhookDeliveryOut,
    WebhookFilter,
    WebhookOut,
)

_WEBHOOK: Sequence[SQLColumnExpression[Any]] = (
    WebhookEndpoint.id,
    WebhookEndpoint.user_id,
    WebhookEndpoint.url,
    WebhookEndpoint.events,
    WebhookEndpoint.description,
    WebhookEndpoint.payload,
    WebhookEndpoint.ordered,
    WebhookEndpoint.all_accounts,
    WebhookEndpoint.public_key,
    WebhookEndpoint.old_keys_until,
    WebhookEndpoint.disabled_at.is_(None).label("is_enabled"),
    WebhookEndpoint.disabled_at,
    WebhookEndpoint.disabled_reason,
    WebhookEndpoint.failures,
    WebhookEndpoint.paused_until,
    WebhookEndpoint.version,
    WebhookEndpoint.created_at,
    WebhookEndpoint.updated_at,
)
_DELIVERY: Sequence[SQLColumnExpression[Any]] = (
    WebhookDelivery.id,
    WebhookDelivery.message_id,
    WebhookDelivery.type,
    WebhookDelivery.subject,
    WebhookDelivery.state,
    WebhookDelivery.attempts,
    WebhookDelivery.created_at,
    case((WebhookDelivery.state == "pending", WebhookDelivery.due_at), else_=null()).label("due_at"),
    WebhookDelivery.attempted_at,
    WebhookDelivery.delivered_at,
    WebhookDelivery.status,
    WebhookDelivery.duration_ms,
    WebhookDelivery.error,
)
_TRY: Sequence[SQLColumnExpression[Any]] = (
    WebhookTry.attempted_at.label("began_at"),
    WebhookTry.url.label("tried_url"),
    WebhookTry.status.label("tried_status"),
    WebhookTry.duration_ms.label("tried_ms"),
    WebhookTry.error.label("tried_error"),
    WebhookTry.answer,
)


async def get_webhook(connection: AsyncConnection, webhook_id: int, owner_id: int | None) -> ReadResult:
    """One webhook, if it is the owner's (None: whosever it is). Raises WebhookNotFound."""
    row = await _find(connection, webhook_id, owner_id)
    webhook = WebhookOut.model_validate(row)
    return ReadResult(webhook, row.snapshot, version_etag(webhook.version, answer_number(webhook)))


async def get_new_webhook(
    connection: AsyncConnection, webhook_id: int, owner_id: int, secret: str
) -> ReadResult:
    """A webhook with the secret that it just got."""
    read = await get_webhook(connection, webhook_id, owner_id)
    return replace(read, model=WebhookCreated(**read.model.model_dump(), secret=secret))


async def list_webhooks(
    connection: AsyncConnection, owner_id: int | None, query: WebhookFilter, pager: Pager
) -> ReadResult:
    """One page of the account's webhooks (None: of everybody's), the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(WebhookEndpoint.id)
    if owner_id is not None:
        matching = matching.where(WebhookEndpoint.user_id == owner_id)
    order = Order(keys=((WebhookEndpoint.id.expression, True),))
    found = await find_page(connection, matching, order, window, _WEBHOOK)
    webhooks = [WebhookOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, webhooks), found.snapshot)


async def list_deliveries(
    connection: AsyncConnection, webhook_id: int, owner_id: int | None, query: DeliveryFilter, pager: Pager
) -> ReadResult:
    """One page of a webhook's deliveries, the latest first. Raises WebhookNotFound, InvalidCursor."""
    await _find(connection, webhook_id, owner_id)
    window = pager.window(query)
    matching = select(WebhookDelivery.id).where(WebhookDelivery.endpoint_id == webhook_id)
    if query.state is not None:
        matching = matching.where(WebhookDelivery.state == query.state)
    if query.type is not None:
        matching = matching.where(WebhookDelivery.type == query.type)
    order = Order(keys=((WebhookDelivery.id.expression, True),))
    found = await find_page(connection, matching, order, window, _DELIVERY)
    deliveries = [WebhookDeliveryOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, deliveries), found.snapshot)


async def get_delivery(
    connection: AsyncConnection, webhook_id: int, delivery_id: int, owner_id: int | None
) -> ReadResult:
    """One delivery with request and tries. Raises WebhookNotFound, WebhookDeliveryNotFound."""
    webhook = await _find(connection, webhook_id, owner_id)
    wanted = (
        select(*_DELIVERY, WebhookDelivery.body, *_TRY, snapshot_text)
        .outerjoin_from(WebhookDelivery, WebhookTry)
        .where(WebhookDelivery.endpoint_id == webhook_id, WebhookDelivery.id == delivery_id)
        .order_by(WebhookTry.attempted_at)
    )
    rows = (await connection.execute(wanted)).all()
    if not rows:
        raise no_delivery(delivery_id)
    # A row for each try; without any one row that has none.
    tries = [_try(row) for row in rows if row.began_at is not None]
    last = rows[-1]
    headers = {"webhook-id": last.message_id, "content-type": "application/json"}
    request = DeliveryRequest(url=last.tried_url or webhook.url, headers=headers, body=last.body)
    outline = WebhookDeliveryOut.model_validate(last).model_dump()
    details = WebhookDeliveryDetails(**outline, request=request, answer=last.answer, tries=tries)
    return ReadResult(details, last.snapshot)


def _try(row: AnyRow) -> DeliveryTry:
    return DeliveryTry(
        attempted_at=row.began_at,
        url=row.tried_url,
        status=row.tried_status,
        duration_ms=row.tried_ms,
        error=row.tried_error,
        answer=row.answer,
    )


async def _find(connection: AsyncConnection, webhook_id: int, owner_id: int | None) -> AnyRow:
    wanted = select(*_WEBHOOK, snapshot_text).where(WebhookEndpoint.id == webhook_id)
    if owner_id is not None:
        wanted = wanted.where(WebhookEndpoint.user_id == owner_id)
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        raise no_webhook(webhook_id)
    return row
