"""Writes of returns."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Order, Return, ReturnStatus

_ON_THEIR_WAY = (ReturnStatus.REQUESTED, ReturnStatus.APPROVED)


class ReturnRepository:
    """Locks and writes returns, each after its order."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, wanted: Return) -> int:
        """Write a new return; its id."""
        self._session.add(wanted)
        await self._session.flush()
        return wanted.id

    async def lock(self, return_id: int) -> tuple[Order, Return] | None:
        """Lock the return's order, then the return."""
        of_return = select(Return.order_id).where(Return.id == return_id).scalar_subquery()
        fresh = {"populate_existing": True}
        order = await self._session.scalar(
            select(Order).where(Order.id == of_return).with_for_update().execution_options(**fresh)
        )
        found = await self._session.scalar(
            select(Return).where(Return.id == return_id).with_for_update().execution_options(**fresh)
        )
        return None if order is None or found is None else (order, found)

    async def list_on_their_way(self, order_id: int) -> Sequence[Return]:
        """The order's returns whose pieces did not come back yet."""
        open_ones = select(Return).where(Return.order_id == order_id, Return.status.in_(_ON_THEIR_WAY))
        return (await self._session.scalars(open_ones)).all()

    async def flush(self) -> None:
        """Write what was changed."""
        await self._session.flush()
