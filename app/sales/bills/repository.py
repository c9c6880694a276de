"""Writes bills."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.sales.models import Bill, CallbackState


class Called(NamedTuple):
    """What came of a call: the answer's status and what it said, or why it failed; the pause that it wishes."""

    status: int | None
    ok: bool | None
    error: str | None
    wish: float = 0


class BillRepository:
    """Bills of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, bill: Bill) -> None:
        """Insert the bill; one whose sender sent that number before is refused by the database."""
        self._session.add(bill)
        await self._session.flush()

    async def list_ids(self, number: str, sender_id: int | None) -> Sequence[int]:
        """The ids of up to two bills with this number, of one sender if one is named."""
        found = select(Bill.id).where(Bill.number == number)
        if sender_id is not None:
            found = found.where(Bill.user_id == sender_id)
        return (await self._session.scalars(found.limit(2))).all()

    async def mark_paid(self, bill_id: int, by: int) -> bool:
        """Mark the bill as paid; False where it is already."""
        paid = update(Bill).where(Bill.id == bill_id, Bill.paid_at.is_(None))
        values = {"paid_at": func.now(), "paid_by": by, "version": Bill.version + 1}
        return await self._session.scalar(paid.values(**values).returning(Bill.id)) is not None

    async def find_to_call(self, bill_id: int) -> Bill | None:
        """The bill, if whoever sent it wants to be called and was not yet."""
        bill = await self._session.get(Bill, bill_id)
        if bill is None or bill.callback_state in {None, CallbackState.DELIVERED}:
            return None
        return bill

    async def note_call(self, bill_id: int, called: Called, state: CallbackState) -> None:
        """Write what came of a call, unless an earlier one came through."""
        noted = update(Bill).where(Bill.id == bill_id, Bill.callback_state != CallbackState.DELIVERED)
        await self._session.execute(
            noted.values(
                callback_state=state.value,
                callback_tries=Bill.callback_tries + 1,
                callback_at=func.now(),
                callback_status=called.status,
                callback_ok=called.ok,
                callback_error=called.error,
                version=Bill.version + 1,
            )
        )
