"""Writes subscriptions, and the mark of them that profiles have."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db.batches import delete_some
from app.identity.emails import email_key
from app.identity.models import User
from app.messaging.newsletter.models import NewsletterSubscription as Subscription


class Retention(NamedTuple):
    """Rows of which moments before these are deleted."""

    pending: datetime
    unsubscribed: datetime


class NewsletterRepository:
    """Subscriptions of one session."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def request(self, email: str, language: str | None) -> int:
        """Note that the address is wanted to get the newsletter; one that gets it stays as it is. Its id."""
        is_confirmed = Subscription.state == "confirmed"
        wanted = insert(Subscription).values(email=email, email_key=email_key(email), language=language)
        statement = wanted.on_conflict_do_update(
            index_elements=[Subscription.email_key],
            set_={
                "state": case((is_confirmed, "confirmed"), else_="pending"),
                "email": case((is_confirmed, Subscription.email), else_=wanted.excluded.email),
                "language": case((is_confirmed, Subscription.language), else_=wanted.excluded.language),
                "requested_at": func.now(),
            },
        ).returning(Subscription.id)
        return (await self._session.scalars(statement)).one()

    async def find(self, subscription_id: int) -> Subscription | None:
        """The subscription as it is now."""
        return await self._session.get(Subscription, subscription_id, populate_existing=True)

    async def lock_account(self, key: str) -> User | None:
        """The account with this address, if it is open and proved it, locked until the transaction ends."""
        theirs = select(User).where(User.email_key == key, User.is_verified, User.is_active)
        statement = theirs.with_for_update(key_share=True).execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).one_or_none()

    async def lock_user(self, user_id: int) -> User | None:
        """The account as committed by now, locked until the transaction ends."""
        statement = select(User).where(User.id == user_id).with_for_update(key_share=True)
        statement = statement.execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).one_or_none()

    async def confirm(self, subscription_id: int, user_id: int | None) -> bool:
        """Have the address get the newsletter; False when nobody waits for that any more."""
        statement = (
            update(Subscription)
            .where(Subscription.id == subscription_id, Subscription.state == "pending")
            .values(state="confirmed", confirmed_at=func.now(), user_id=user_id)
            .returning(Subscription.id)
            .execution_options(synchronize_session=False)
        )
        return await self._session.scalar(statement) is not None

    async def put_confirmed(self, user: User) -> int | None:
        """Have the account's address get the newsletter; the id, None where it does already."""
        theirs = insert(Subscription).values(
            email=user.email,
            email_key=user.email_key,
            user_id=user.id,
            language=user.language,
            state="confirmed",
            confirmed_at=func.now(),
        )
        statement = theirs.on_conflict_do_update(
            index_elements=[Subscription.email_key],
            set_={
                "state": "confirmed",
                "confirmed_at": func.now(),
                "user_id": user.id,
                "email": user.email,
                "language": user.language,
            },
            where=or_(Subscription.state != "confirmed", Subscription.user_id.is_distinct_from(user.id)),
        ).returning(Subscription.id)
        return await self._session.scalar(statement)

    async def unsubscribe(self, subscription_id: int) -> bool:
        """End it; False when it was ended before."""
        statement = (
            update(Subscription)
            .where(Subscription.id == subscription_id, Subscription.state != "unsubscribed")
            .values(state="unsubscribed", unsubscribed_at=func.now())
            .returning(Subscription.id)
            .execution_options(synchronize_session=False)
        )
        return await self._session.scalar(statement) is not None

    async def unsubscribe_others(self, user_id: int, key: str | None) -> None:
        """End the account's subscriptions of other addresses than this, of all without one."""
        theirs = and_(Subscription.user_id == user_id, Subscription.email_key.is_distinct_from(key))
        ended = update(Subscription).where(theirs, Subscription.state != "unsubscribed")
        ended = ended.values(state="unsubscribed", unsubscribed_at=func.now())
        await self._session.execute(ended.execution_options(synchronize_session=False))

    async def flush(self) -> None:
        """Write what changed."""
        await self._session.flush()

    async def purge(self, before: Retention) -> int:
        """Delete what nobody confirmed, and what ended long ago; return how many."""
        stale = or_(
            and_(Subscription.state == "pending", Subscription.requested_at < before.pending),
            and_(Subscription.state == "unsubscribed", Subscription.unsubscribed_at < before.unsubscribed),
        )
        return await delete_some(self._session, Subscription.id, stale)
