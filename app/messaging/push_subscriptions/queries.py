"""Reads of browsers' subscriptions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.messaging.push_subscriptions.errors import no_subscription
from app.messaging.push_subscriptions.models import BrowserSubscription
from app.messaging.push_subscriptions.schemas import PushSubscriptionFilter, PushSubscriptionOut

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    BrowserSubscription.id,
    BrowserSubscription.endpoint,
    BrowserSubscription.created_at,
)
_LATEST_FIRST = Order.by(
    ("-created_at",), {"created_at": BrowserSubscription.created_at}, BrowserSubscription.id
)


async def get_subscription(connection: AsyncConnection, user_id: int, subscription_id: int) -> ReadResult:
    """One subscription of the account. Raises PushSubscriptionNotFound."""
    statement = select(*_COLUMNS, snapshot_text).where(
        BrowserSubscription.id == subscription_id, BrowserSubscription.user_id == user_id
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise no_subscription(subscription_id)
    return ReadResult(PushSubscriptionOut.model_validate(row), row.snapshot)


async def list_subscriptions(
    connection: AsyncConnection, user_id: int, query: PushSubscriptionFilter, pager: Pager
) -> ReadResult:
    """One page of the account's subscriptions, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(BrowserSubscription.id).where(BrowserSubscription.user_id == user_id)
    found = await find_page(connection, matching, _LATEST_FIRST, window, _COLUMNS)
    subscriptions = [PushSubscriptionOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, subscriptions), found.snapshot)
