"""Webhooks are switched off where an account is taken back or closed: whoever had it may have set their address."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.metrics import WEBHOOK_DEAD_LETTERS, count_at_commit
from app.identity.credentials.elsewhere import ends
from app.identity.credentials.table import Credential
from app.messaging.webhooks.repository import WebhookRepository


@ends(Credential.WEBHOOK)
async def disable_webhooks(session: AsyncSession, user_id: int) -> Sequence[object]:
    """Send nothing more, nor what waits; the owner switches on those that are theirs."""
    webhooks = WebhookRepository(session)
    disabled = await webhooks.disable_all(user_id)
    for webhook_id in disabled:
        given_up = await webhooks.give_up(webhook_id)
        count_at_commit(session, WEBHOOK_DEAD_LETTERS.labels("disabled"), given_up)
    return disabled
