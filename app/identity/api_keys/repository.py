"""SQL of API keys. What is revoked is gone for everybody but the audit log."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.authentication.queries import key_ends_at
from app.identity.models import ApiKey


class ApiKeyRepository:
    """API keys of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def count_usable(self, owner_id: int) -> int:
        """How many keys of the account work."""
        is_unexpired = or_(key_ends_at.is_(None), key_ends_at > func.now())
        usable = select(func.count()).where(
            ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None), is_unexpired
        )
        return int(await self._db.scalar(usable) or 0)

    async def add(self, key: ApiKey) -> ApiKey:
        """Insert the key, so that its id is known."""
        self._db.add(key)
        await self._db.flush()
        return key

    async def lock(self, owner_id: int, key_id: int) -> ApiKey | None:
        """The account's key, locked against other writers until the transaction ends."""
        statement = select(ApiKey).where(
            ApiKey.id == key_id, ApiKey.user_id == owner_id, ApiKey.revoked_at.is_(None)
        )
        return (await self._db.scalars(statement.with_for_update())).one_or_none()

    async def revoke(self, owner_id: int, key_id: int) -> bool:
        """End the account's key; False when there is none."""
        revoked = await self._revoke(ApiKey.user_id == owner_id, ApiKey.id == key_id)
        return bool(revoked)

    async def revoke_named(self, owner_id: int, name: str) -> Sequence[int]:
        """End the account's keys of this name; their ids."""
        return await self._revoke(ApiKey.user_id == owner_id, ApiKey.name == name)

    async def _revoke(self, *which: ColumnElement[bool]) -> Sequence[int]:
        statement = update(ApiKey).where(*which, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now())
        return (await self._db.scalars(statement.returning(ApiKey.id))).all()
