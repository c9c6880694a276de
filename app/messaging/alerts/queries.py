"""Reads alerts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.models import Item
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.messaging.alerts.models import ItemAlert
from app.messaging.alerts.schemas import AlertFilter, AlertOut

_TITLE = select(Item.title).where(Item.id == ItemAlert.item_id).correlate(ItemAlert).scalar_subquery()
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    ItemAlert.id,
    ItemAlert.item_id,
    _TITLE.label("title"),
    ItemAlert.kind,
    ItemAlert.state,
    ItemAlert.below,
    ItemAlert.price,
    ItemAlert.currency,
    ItemAlert.created_at,
    ItemAlert.done_at,
)
_NEWEST_FIRST = Order(keys=((ItemAlert.id.expression, True),))


async def list_alerts(
    connection: AsyncConnection, user_id: int, query: AlertFilter, pager: Pager
) -> ReadResult:
    """One page of the account's alerts, the newest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(ItemAlert.id).where(ItemAlert.user_id == user_id)
    if query.kind is not None:
        matching = matching.where(ItemAlert.kind == query.kind.value)
    if query.state is not None:
        matching = matching.where(ItemAlert.state == query.state.value)
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _COLUMNS)
    shown = [AlertOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, shown), found.snapshot)


async def get_alert(connection: AsyncConnection, alert_id: int) -> ReadResult:
    """One alert."""
    found = select(*_COLUMNS, snapshot_text).where(ItemAlert.id == alert_id)
    row = (await connection.execute(found)).one()
    return ReadResult(AlertOut.model_validate(row), row.snapshot)
