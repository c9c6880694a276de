"""SQL of API keys. What is revoked is gone for everybody but the audit log."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, SQLColumnExpression, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, find_page, snapshot_text
from app.core.db.sorting import Order
from app.identity.models import ApiKey, User

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
    ApiKey.expires_at,
    ApiKey.last_used_at,
    ApiKey.replaced_by_id,
)
_KEY = select(*_COLUMNS, snapshot_text).where(ApiKey.revoked_at.is_(None))


class ApiKeyRepository:
    """API keys of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_owner(self, owner_id: int) -> None:
        """Hold the account against others who would make keys for it, until the transaction ends."""
        await self._session.execute(
            select(User.id).where(User.id == owner_id).with_for_update(key_share=True)
        )

    async def count_usable(self, owner_id: int) -> int:
        """How many keys of the account work."""
        is_unexpired = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now())
        usable = select(func.count()).where(
            ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None), is_unexpired
        )
        return int(await self._session.scalar(usable) or 0)

    async def add(self, key: ApiKey) -> ApiKey:
        """Insert the key, so that its id is known."""
        self._session.add(key)
        await self._session.flush()
        return key

    async def lock(self, owner_id: int, key_id: int) -> ApiKey | None:
        """The account's key, held against other writers until the transaction ends."""
        statement = select(ApiKey).where(
            ApiKey.id == key_id, ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None)
        )
        return (await self._session.scalars(statement.with_for_update())).one_or_none()

    async def revoke(self, owner_id: int, key_id: int) -> bool:
        """End the account's key; False when there is none."""
        revoked = await self._revoke(ApiKey.user_id == owner_id, ApiKey.id == key_id)
        return bool(revoked)

    async def revoke_named(self, owner_id: int, name: str) -> Sequence[int]:
        """End the account's keys of this name; their ids."""
        return await self._revoke(ApiKey.user_id == owner_id, ApiKey.name == name)

    async def revoke_all(self, owner_id: int) -> Sequence[int]:
        """End every key of the account; their ids."""
        return await self._revoke(ApiKey.user_id == owner_id)

    async def _revoke(self, *which: ColumnElement[bool]) -> Sequence[int]:
        statement = update(ApiKey).where(*which, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now())
        return (await self._session.scalars(statement.returning(ApiKey.id))).all()


async def find_key(connection: AsyncConnection, owner_id: int, key_id: int) -> AnyRow | None:
    """The account's key and the snapshot it was read in."""
    statement = _KEY.where(ApiKey.id == key_id, ApiKey.user_id == owner_id)
    return (await connection.execute(statement)).one_or_none()


async def list_keys(
    connection: AsyncConnection, owner_id: int, sort: Sequence[str], window: Window
) -> Found[AnyRow]:
    """One page of the account's keys, expired ones too."""
    matching = select(ApiKey.id).where(ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None))
    order = Order.by(sort, _SORT_COLUMNS, ApiKey.id)
    return await find_page(connection, matching, order, window, _COLUMNS, _join_keys)


def _join_keys(source: FromClause, key_id: ColumnElement[int]) -> FromClause:
    return source.outerjoin(ApiKey, ApiKey.id == key_id)
