"""Browsers that are logged out for good are sent nothing any more; one that logs in again subscribes anew."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.identity.credentials.elsewhere import ends
from app.identity.credentials.table import Credential
from app.messaging.push_subscriptions.repository import BrowserSubscriptionRepository


@ends(Credential.PUSH_SUBSCRIPTION)
async def delete_subscriptions(session: AsyncSession, user_id: int) -> Sequence[object]:
    """Delete the account's."""
    return await BrowserSubscriptionRepository(session).delete_all(user_id)
