"""Writes browsers' subscriptions."""

from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.messaging.push_subscriptions.models import BrowserSubscription


class BrowserSubscriptionRepository:
    """Subscriptions of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def count(self, user_id: int) -> int:
        """How many subscriptions the account has."""
        theirs = select(func.count()).where(BrowserSubscription.user_id == user_id)
        return int(await self._session.scalar(theirs) or 0)

    async def add(self, subscription: BrowserSubscription) -> int | None:
        """Keep it; its id. What another account has at this endpoint is taken over by whoever sends the same keys.

        None where the keys are others.
        """
        given = {
            "user_id": subscription.user_id,
            "p256dh": subscription.p256dh,
            "sealed_auth": subscription.sealed_auth,
        }
        added = insert(BrowserSubscription).values(endpoint=subscription.endpoint, **given)
        is_theirs = or_(
            BrowserSubscription.user_id == subscription.user_id,
            BrowserSubscription.p256dh == subscription.p256dh,
        )
        statement = added.on_conflict_do_update(
            constraint="uq_push_subscriptions_endpoint", set_=given, where=is_theirs
        )
        return await self._session.scalar(statement.returning(BrowserSubscription.id))

    async def delete_all(self, user_id: int) -> Sequence[int]:
        """Delete all of the account's; their ids."""
        theirs = delete(BrowserSubscription).where(BrowserSubscription.user_id == user_id)
        return (await self._session.scalars(theirs.returning(BrowserSubscription.id))).all()

    async def delete(self, user_id: int, subscription_id: int) -> bool:
        """Delete one of the account's; False where there is none."""
        statement = delete(BrowserSubscription).where(
            BrowserSubscription.id == subscription_id, BrowserSubscription.user_id == user_id
        )
        return await self._session.scalar(statement.returning(BrowserSubscription.id)) is not None
