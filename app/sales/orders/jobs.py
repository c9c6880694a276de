"""The scheduled job that calls off what nobody paid."""

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.events.events import Delivery, handles
from app.core.events.jobs import scheduled
from app.sales.orders.events import OrderOverdue
from app.sales.orders.service import OrderService


@scheduled("expire_orders", timedelta(minutes=1))
async def expire_orders(session: AsyncSession) -> int:
    """Once a minute. Whoever pays in between pays in time: the clock alone ends nothing."""
    return await OrderService.build(session).announce_overdue()


@handles(OrderOverdue)
async def expire_order(session: AsyncSession, event: OrderOverdue, _delivery: Delivery) -> None:
    """Call it off; announced twice, it is off already."""
    await OrderService.build(session).expire(event.order_id)
