"""Reading other people's accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import SQLColumnExpression, func, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection

from app.admin.users.errors import AccountNotFound
from app.admin.users.schemas import AdminUserFilter, AdminUserOut
from app.core.db.paging import Pager
from app.core.db.queries import contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.identity.models import User

_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "username": User.username,
    "email": User.email,
    "created_at": User.created_at,
    "updated_at": User.updated_at,
}
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    User.id,
    User.username,
    User.email,
    User.full_name,
    User.first_name,
    User.last_name,
    User.phone,
    User.role,
    User.is_active,
    User.is_verified,
    User.version,
    User.created_at,
    User.updated_at,
)
# As the index has it.
_SEARCHED: SQLColumnExpression[str] = func.fold_names(
    User.username, array([User.email, User.full_name, User.first_name, User.last_name])
)


async def get_user(connection: AsyncConnection, user_id: int) -> ReadResult:
    """One account. Raises AccountNotFound."""
    statement = select(*_COLUMNS, snapshot_text).where(User.id == user_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise unknown_account(user_id)
    user = AdminUserOut.model_validate(row)
    return ReadResult(user, row.snapshot, version_etag(user.version))


async def list_users(connection: AsyncConnection, query: AdminUserFilter, pager: Pager) -> ReadResult:
    """One page of the accounts that meet the filters. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(User.id)
    if query.search is not None:
        matching = matching.where(contains_folded(_SEARCHED, query.search))
    if query.role is not None:
        matching = matching.where(User.role == query.role.value)
    if query.active is not None:
        matching = matching.where(User.is_active.is_(query.active))
    if query.verified is not None:
        matching = matching.where(User.is_verified.is_(query.verified))
    order = Order.by(query.sort, _SORT_COLUMNS, User.id)
    found = await find_page(connection, matching, order, window, _COLUMNS)
    users = [AdminUserOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, users), found.snapshot)


def unknown_account(user_id: int) -> AccountNotFound:
    """The error for an id that no account has."""
    return AccountNotFound(f"There is no account {user_id}.")
