"""Following, and no longer following."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.messaging.email.templates import Template
from app.messaging.follows.errors import FollowNotFound, TooManyFollows
from app.messaging.follows.repository import FollowRepository
from app.messaging.follows.targets import FollowTarget
from app.messaging.notifications.kinds import KINDS, Channel
from app.messaging.notifications.service import NotificationService

MOST_FOLLOWS = 1000


class FollowService:
    """Keeps what one account at a time follows."""

    def __init__(self, follows: FollowRepository, notifications: NotificationService) -> None:
        self._follows = follows
        self._notifications = notifications

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(FollowRepository(session), NotificationService.build(session))

    async def follow(self, user_id: int, target: FollowTarget, target_id: int) -> int:
        """Follow it; of a merged author the one that it was merged into. The id of what is followed.

        Whoever reads it back finds out whether there is such a thing. Raises TooManyFollows.
        """
        # Whoever counts locks the account, so that two requests cannot both make the last one.
        await self._follows.lock_owner(user_id)
        if target is FollowTarget.AUTHORS:
            target_id = await self._follows.find_canonical_author(target_id)
        await self._follows.add(user_id, target, target_id)
        if await self._follows.count(user_id) > MOST_FOLLOWS:
            raise TooManyFollows(f"An account follows at most {MOST_FOLLOWS}; leave one first.")
        return target_id

    async def unfollow(self, user_id: int, target: FollowTarget, target_id: int) -> None:
        """Follow it no more. Raises FollowNotFound."""
        if not await self._follows.delete(user_id, target, target_id):
            raise FollowNotFound(f"You do not follow {target}/{target_id}.")

    async def end_mails(self, user_id: int) -> None:
        """Mail the account no more about what is new, not even what waits to be sent. The second time nothing changes."""
        await self._notifications.turn_off(user_id, KINDS[Template.FOLLOWED_ITEMS].category, Channel.MAIL)
