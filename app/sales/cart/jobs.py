"""The scheduled job that sweeps the carts of guests who never came back."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.jobs import scheduled
from app.sales.cart.repository import delete_ended


@scheduled("purge_guest_carts", timedelta(hours=1))
async def purge_guest_carts(session: AsyncSession) -> int:
    """Delete what a month-old token alone led to; statistics keep their number."""
    return await delete_ended(session)
