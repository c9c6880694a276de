"""Reads suppressed addresses."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.identity.emails import email_key
from app.messaging.email.models import MailSuppression
from app.messaging.suppressions.errors import SuppressionNotFound
from app.messaging.suppressions.schemas import SuppressionFilter, SuppressionOut

_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    MailSuppression.id,
    MailSuppression.email,
    MailSuppression.reason,
    MailSuppression.detail,
    MailSuppression.created_at,
)
_NEWEST_FIRST = Order(keys=((MailSuppression.id.expression, True),))


async def list_suppressions(
    connection: AsyncConnection, query: SuppressionFilter, pager: Pager
) -> ReadResult:
    """One page of suppressed addresses, the latest first. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(MailSuppression.id)
    if query.reason is not None:
        matching = matching.where(MailSuppression.reason == query.reason.value)
    if query.email is not None:
        matching = matching.where(MailSuppression.email_key == email_key(query.email))
    found = await find_page(connection, matching, _NEWEST_FIRST, window, _COLUMNS)
    shown = [SuppressionOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, shown), found.snapshot)


async def get_suppression(connection: AsyncConnection, suppression_id: int) -> ReadResult:
    """One suppressed address. Raises SuppressionNotFound."""
    found = select(*_COLUMNS, snapshot_text).where(MailSuppression.id == suppression_id)
    row = (await connection.execute(found)).one_or_none()
    if row is None:
        raise SuppressionNotFound(f"There is no suppression {suppression_id}.")
    return ReadResult(SuppressionOut.model_validate(row), row.snapshot)
