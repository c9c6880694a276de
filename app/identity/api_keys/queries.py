"""Reading one's own API keys. What is revoked is gone for everybody but the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult
from app.identity.api_keys.errors import ApiKeyNotFound
from app.identity.api_keys.schemas import ApiKeyFilter, ApiKeyOut
from app.identity.authentication.queries import key_ends_at
from app.identity.models import ApiKey

_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "created_at": ApiKey.created_at,
    "name": ApiKey.name,
}
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    ApiKey.id,
    ApiKey.name,
    ApiKey.hint,
    ApiKey.scopes,
    ApiKey.allowed_ips,
    ApiKey.created_at,
    key_ends_at.label("expires_at"),
    ApiKey.last_used_at,
    ApiKey.replaced_by_id,
)


async def get_api_key(connection: AsyncConnection, owner_id: int, key_id: int) -> ReadResult:
    """One key of the account. Raises ApiKeyNotFound."""
    statement = select(*_COLUMNS, snapshot_text).where(
        ApiKey.id == key_id, ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None)
    )
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise unknown_key(key_id)
    return ReadResult(ApiKeyOut.model_validate(row), row.snapshot)


async def list_api_keys(
    connection: AsyncConnection, owner_id: int, query: ApiKeyFilter, pager: Pager
) -> ReadResult:
    """One page of the account's keys, expired ones too. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(ApiKey.id).where(ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None))
    order = Order.by(query.sort, _SORT_COLUMNS, ApiKey.id)
    found = await find_page(connection, matching, order, window, _COLUMNS)
    keys = [ApiKeyOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, keys), found.snapshot)


def unknown_key(key_id: int) -> ApiKeyNotFound:
    """The error for an id that no key of the account has."""
    return ApiKeyNotFound(f"You have no key {key_id}.")
