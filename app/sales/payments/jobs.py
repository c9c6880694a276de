"""The scheduled job that forgets no payment."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import publish
from app.core.events.jobs import scheduled
from app.sales.payments.events import PaymentDoubted
from app.sales.payments.repository import PaymentRepository

UNHEARD_FOR = 60.0
"""Seconds after which a payment under way is asked about (again)."""
_MOST = 200


@scheduled("ask_about_payments", timedelta(minutes=1))
async def ask_about_payments(session: AsyncSession) -> int:
    """Have providers asked about payments of which nothing was heard: an answer, or a webhook, may have been lost."""
    doubtful = await PaymentRepository(session).claim_doubtful(UNHEARD_FOR, _MOST)
    for payment_id in doubtful:
        await publish(session, PaymentDoubted(payment_id))
    return len(doubtful)
