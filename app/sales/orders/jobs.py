"""The scheduled job that calls off what nobody paid."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.jobs import scheduled
from app.sales.orders.service import OrderService


@scheduled("expire_orders", timedelta(minutes=1))
async def expire_orders(session: AsyncSession) -> int:
    """Once a minute. Whoever pays in between pays in time: the clock alone ends nothing."""
    return await OrderService.build(session).expire_due()
