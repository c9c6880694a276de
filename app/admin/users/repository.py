"""SQL of other people's accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, func, select
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.admin.users.schemas import AdminUserFilter
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order
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


class AdminUserRepository:
    """Accounts of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self, user_id: int) -> User | None:
        """The account, held against other writers until the transaction ends."""
        # Not against logins, whose sessions refer to the row: they need not wait.
        return await self._session.get(User, user_id, with_for_update={"key_share": True})

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads what the database made of it."""
        await self._session.flush()


async def find_user(connection: AsyncConnection, user_id: int) -> AnyRow | None:
    """The account's columns and the snapshot they were read in."""
    return (
        await connection.execute(select(*_COLUMNS, snapshot_text).where(User.id == user_id))
    ).one_or_none()


async def list_users(connection: AsyncConnection, query: AdminUserFilter, window: Window) -> Found[AnyRow]:
    """One page of the accounts that meet the filters."""
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
    return await find_page(connection, matching, order, window, _COLUMNS, _join_users)


def _join_users(source: FromClause, user_id: ColumnElement[int]) -> FromClause:
    return source.outerjoin(User, User.id == user_id)
