"""Subscribing browsers to push messages."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.outbound import Outbound, OutboundBlocked
from app.core.push import is_push_offered
from app.core.settings.settings import Settings
from app.identity.mfa.secret_vault import SecretVault
from app.identity.principal import Principal
from app.identity.sessions.repository import SessionRepository
from app.messaging.push_subscriptions.errors import (
    PushEndpointRefused,
    PushNotOffered,
    PushSubscriptionTaken,
    TooManyPushSubscriptions,
    no_subscription,
)
from app.messaging.push_subscriptions.models import BrowserSubscription
from app.messaging.push_subscriptions.repository import BrowserSubscriptionRepository
from app.messaging.push_subscriptions.schemas import PushSubscriptionIn

MOST_SUBSCRIPTIONS = 10
VAULT = "push subscriptions"


class BrowserSubscriptionService:
    """Keeps the browsers of one account at a time."""

    def __init__(
        self,
        subscriptions: BrowserSubscriptionRepository,
        sessions: SessionRepository,
        settings: Settings,
        outbound: Outbound,
    ) -> None:
        self._subscriptions = subscriptions
        self._sessions = sessions
        self._settings = settings
        self._outbound = outbound

    @classmethod
    def build(cls, session: AsyncSession, settings: Settings, outbound: Outbound) -> Self:
        """Compose it on one session."""
        return cls(BrowserSubscriptionRepository(session), SessionRepository(session), settings, outbound)

    async def subscribe(self, owner: Principal, request: PushSubscriptionIn) -> int:
        """Send the account's push messages to this browser too; its id. A browser that is known gets its new keys.

        A browser in which somebody else logs in tells their account from then on: the same keys are the proof that it
        is that browser.
        Raises PushNotOffered, PushEndpointRefused, PushSubscriptionTaken, TooManyPushSubscriptions.
        """
        if not is_push_offered(self._settings):
            raise PushNotOffered("The shop sends no push messages.")
        endpoint = self._checked(request.endpoint)
        # Locked, against others who would subscribe for the account, and against what takes it back.
        await self._sessions.require_owner(owner)
        user_id = owner.user_id
        vault = SecretVault(self._settings.jwt, VAULT)
        subscription = BrowserSubscription(
            user_id=user_id,
            endpoint=endpoint,
            p256dh=request.keys.p256dh,
            sealed_auth=vault.seal(user_id, request.keys.auth),
        )
        subscription_id = await self._subscriptions.add(subscription)
        if subscription_id is None:
            raise PushSubscriptionTaken("Another account has this endpoint, with other keys.")
        if await self._subscriptions.count(user_id) > MOST_SUBSCRIPTIONS:
            raise TooManyPushSubscriptions(
                f"An account has at most {MOST_SUBSCRIPTIONS} push subscriptions; delete one first."
            )
        return subscription_id

    async def unsubscribe(self, user_id: int, subscription_id: int) -> None:
        """Send nothing there any more. Raises PushSubscriptionNotFound."""
        if not await self._subscriptions.delete(user_id, subscription_id):
            raise no_subscription(subscription_id)

    def _checked(self, endpoint: str) -> str:
        try:
            return self._outbound.check_url(endpoint)
        except OutboundBlocked as blocked:
            told = str(blocked)
            raise PushEndpointRefused(told, errors=PushEndpointRefused.about("endpoint", told)) from blocked
