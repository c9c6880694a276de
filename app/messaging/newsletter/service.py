"""Who gets the newsletter: asked for by anybody, confirmed by who reads the address, ended by one click."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.core.events.events import publish
from app.identity.emails import email_key
from app.identity.models import User
from app.identity.principal import account_group
from app.messaging.email.lists import MailList, OptInService, dead_link
from app.messaging.email.repository import MailRepository
from app.messaging.email.service import LISTS
from app.messaging.newsletter.events import NewsletterRequested, NewSubscription
from app.messaging.newsletter.repository import NewsletterRepository

_FREE = "0.00"
_TEMPLATES = [template.value for template, (name, _) in LISTS.items() if name is MailList.NEWSLETTER]


class NewsletterService:
    """Puts addresses on the newsletter's list, and takes them off. The account is locked before its subscription."""

    def __init__(
        self,
        session: AsyncSession,
        subscriptions: NewsletterRepository,
        opt_ins: OptInService,
        mails: MailRepository,
    ) -> None:
        self._session = session
        self._subscriptions = subscriptions
        self._opt_ins = opt_ins
        self._mails = mails

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(
            session, NewsletterRepository(session), OptInService.build(session), MailRepository(session)
        )

    async def request(self, email: str, language: str | None, caller_id: int | None) -> None:
        """Ask the reader of the address whether they want the newsletter; nobody learns whether they have it.

        Whoever is logged in and has proven that very address has said so with the request.
        """
        user = None if caller_id is None else await self._subscriptions.lock_account(email_key(email))
        if user is not None and user.id == caller_id:
            await self._join(user)
            return
        subscription_id = await self._subscriptions.request(email, language)
        await publish(self._session, NewsletterRequested(subscription_id))

    async def confirm(self, raw: str) -> str:
        """The address that the token was mailed to gets the newsletter. Raises InvalidOneTimeToken."""
        subscription_id = await self._opt_ins.get_target(MailList.NEWSLETTER, raw)
        subscription = await self._subscriptions.find(subscription_id)
        if subscription is None:
            raise dead_link()
        user = await self._subscriptions.lock_account(subscription.email_key)
        is_new = await self._subscriptions.confirm(subscription_id, user.id if user else None)
        await self._opt_ins.use(MailList.NEWSLETTER, raw)
        if not is_new:
            raise dead_link()
        await self._mark(user, wants=True)
        await self._announce(subscription_id, user)
        return subscription.email

    async def unsubscribe(self, subscription_id: int) -> None:
        """Send the address no more, from this moment on: what waits to be sent is dropped. The second time changes nothing."""
        subscription = await self._subscriptions.find(subscription_id)
        if subscription is None:
            return
        user = await self._subscriptions.lock_account(subscription.email_key)
        if await self._subscriptions.unsubscribe(subscription_id):
            await self._mark(user, wants=False)
        await self._mails.drop_waiting(subscription.email, _TEMPLATES, subscription_id)
        await self._opt_ins.end(MailList.NEWSLETTER, subscription_id)

    async def follow_profile(self, user_id: int) -> None:
        """Do what the account's profile says now, once its address is proven; another address than it has gets nothing."""
        user = await self._subscriptions.lock_user(user_id)
        if user is None:
            return
        wants = user.newsletter and user.is_active and user.is_verified
        await self._subscriptions.unsubscribe_others(user_id, user.email_key if wants else None)
        if wants:
            await self._join(user)

    async def _join(self, user: User) -> None:
        subscription_id = await self._subscriptions.put_confirmed(user)
        await self._mark(user, wants=True)
        if subscription_id is not None:
            await self._announce(subscription_id, user)

    async def _mark(self, user: User | None, *, wants: bool) -> None:
        if user is None or user.newsletter is wants:
            return
        user.newsletter = wants
        await self._subscriptions.flush()
        invalidate(self._session, account_group(user.id))

    async def _announce(self, subscription_id: int, user: User | None) -> None:
        start = utc_now().isoformat()
        username, user_id = (user.username, user.id) if user else (None, None)
        await publish(self._session, NewSubscription(subscription_id, username, _FREE, start, user_id))
