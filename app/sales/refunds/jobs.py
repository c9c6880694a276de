"""The scheduled job that forgets no refund."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.core.events.jobs import scheduled
from app.sales.refunds.events import RefundRequested
from app.sales.refunds.repository import RefundRepository

UNHEARD_FOR = 60.0
"""Seconds after which a pending refund is asked for (again)."""
_MOST = 200


@scheduled("ask_for_refunds", timedelta(minutes=1))
async def ask_for_refunds(session: AsyncSession) -> int:
    """Have providers asked for refunds of which nothing was heard: an answer, or a webhook, may have been lost."""
    doubtful = await RefundRepository(session).claim_doubtful(UNHEARD_FOR, _MOST)
    for refund_id in doubtful:
        await publish(session, RefundRequested(refund_id))
    return len(doubtful)
