"""Writes what is followed, and what is new."""

from datetime import datetime

from sqlalchemy import BigInteger, cast, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.canonical import find_canonical
from app.catalog.models import Author, Item, Series
from app.core.db.batches import delete_some
from app.core.events.events import OutboxEvent, publish_each
from app.identity.models import User
from app.messaging.follows.events import FollowerDue
from app.messaging.follows.models import Follow, NewItem
from app.messaging.follows.queries import followers_of, is_of
from app.messaging.follows.targets import FollowTarget


class FollowRepository:
    """Follows, and new items, of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock_owner(self, user_id: int) -> None:
        """Lock the account against others who would make it follow more, until the transaction ends."""
        await self._session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))

    async def count(self, user_id: int) -> int:
        """How much the account follows."""
        theirs = select(func.count()).select_from(Follow).where(Follow.user_id == user_id)
        return int(await self._session.scalar(theirs) or 0)

    async def find_canonical_author(self, author_id: int) -> int:
        """The author whom this one was merged into; of others the id itself."""
        return await find_canonical(self._session, Author, author_id)

    async def add(self, user_id: int, target: FollowTarget, target_id: int) -> None:
        """Follow it, unless that is so already or there is no such thing."""
        owner = literal(user_id, BigInteger)
        things = {
            FollowTarget.AUTHORS: ("author_id", select(owner, Author.id).where(Author.id == target_id)),
            FollowTarget.SERIES: ("series_id", select(owner, Series.id).where(Series.id == target_id)),
            FollowTarget.SELLERS: (
                "seller_id",
                select(owner, User.id).where(User.id == target_id, User.is_active),
            ),
        }
        column, thing = things[target]
        statement = insert(Follow).from_select(["user_id", column], thing)
        await self._session.execute(statement.on_conflict_do_nothing())

    async def delete(self, user_id: int, target: FollowTarget, target_id: int) -> bool:
        """Follow it no more; False where the account did not."""
        theirs = delete(Follow).where(Follow.user_id == user_id, is_of(target, target_id))
        return await self._session.scalar(theirs.returning(Follow.id)) is not None

    async def note_new_items(self, first: int, last: int) -> None:
        """Remember the items that became visible between these places of the feed, each once and for all."""
        item_id = cast(OutboxEvent.payload["item_id"].astext, BigInteger)
        fresh = (
            select(Item.id, func.min(OutboxEvent.created_at))
            .join(OutboxEvent, item_id == Item.id)
            .where(OutboxEvent.sequence.between(first, last), OutboxEvent.type == "item.created")
            .group_by(Item.id)
            .order_by(Item.id)
        )
        noted = insert(NewItem).from_select(["item_id", "created_at"], fresh)
        await self._session.execute(noted.on_conflict_do_nothing())

    async def open_run(self, now: datetime) -> int:
        """Take all that is new into the run of this moment, with an event for each follower of any of it; how many."""
        untold = update(NewItem).where(NewItem.told_at.is_(None)).values(told_at=now)
        await self._session.execute(untold.execution_options(synchronize_session=False))
        told = followers_of(now)
        followers = select(told.c.user_id).distinct().subquery("followers")
        moment = now.isoformat()
        payloads = select(func.jsonb_build_object("user_id", followers.c.user_id, "told_at", moment))
        return await publish_each(self._session, FollowerDue, payloads)

    async def purge(self, before: datetime) -> int:
        """Forget items that were new before, and told."""
        is_over = (NewItem.created_at < before) & NewItem.told_at.is_not(None)
        return await delete_some(self._session, NewItem.item_id, is_over)
