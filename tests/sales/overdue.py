"""Unpaid orders whose time is over, as the clock and the worker deal with them."""

from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.orders.events import OrderOverdue
from app.sales.orders.jobs import expire_orders
from app.sales.orders.service import OrderService
from tests.conftest import events_of


async def expire_overdue(session: AsyncSession) -> int:
    """Announce them, and call off all that were ever announced; how many were announced now."""
    count = await expire_orders(session)
    await session.flush()
    for event in await events_of(session, OrderOverdue.type):
        await OrderService.build(session).expire(event["order_id"])
    await session.flush()
    return count
