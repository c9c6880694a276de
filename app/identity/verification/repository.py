"""One-time tokens: kept as hashes, used up by one guarded UPDATE."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.db.queries import AnyRow
from app.identity.models import OneTimeToken, User


class OneTimeTokenRepository:
    """One-time tokens of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._db = session

    async def end_older(self, token: OneTimeToken) -> None:
        """End the unused tokens of the same account and purpose.

        The account is locked first, so that of two that are made at once the later one ends the other.
        """
        await self._db.execute(
            select(User.id).where(User.id == token.user_id).with_for_update(key_share=True)
        )
        statement = update(OneTimeToken).where(
            OneTimeToken.user_id == token.user_id,
            OneTimeToken.purpose == token.purpose,
            OneTimeToken.used_at.is_(None),
        )
        await self._db.execute(
            statement.values(used_at=token.created_at).execution_options(synchronize_session=False)
        )

    async def add(self, token: OneTimeToken) -> None:
        """Keep a new token."""
        self._db.add(token)
        await self._db.flush()

    async def find_owner_id(self, token_hash: bytes) -> int | None:
        """The account that the token is for, used or not."""
        owner_id: int | None = await self._db.scalar(
            select(OneTimeToken.user_id).where(OneTimeToken.token_hash == token_hash)
        )
        return owner_id

    async def use(self, token_hash: bytes, purposes: Collection[str], now: datetime) -> AnyRow | None:
        """Use the token up: `user_id, purpose, email, created_at`; of callers at once, one gets it."""
        statement = (
            update(OneTimeToken)
            .where(
                OneTimeToken.token_hash == token_hash,
                OneTimeToken.purpose.in_(purposes),
                OneTimeToken.used_at.is_(None),
                OneTimeToken.expires_at > now,
            )
            .values(used_at=now)
            .returning(
                OneTimeToken.user_id, OneTimeToken.purpose, OneTimeToken.email, OneTimeToken.created_at
            )
            .execution_options(synchronize_session=False)
        )
        return (await self._db.execute(statement)).one_or_none()


async def find_owner_name(
    connection: AsyncConnection, token_hash: bytes, purpose: str, now: datetime
) -> str | None:
    """The user name of the account that a token, still good, is for."""
    statement = (
        select(User.username)
        .join(OneTimeToken, OneTimeToken.user_id == User.id)
        .where(
            OneTimeToken.token_hash == token_hash,
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
        )
    )
    username: str | None = await connection.scalar(statement)
    return username
