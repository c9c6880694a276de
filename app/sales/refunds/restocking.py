"""What comes back to the shop of an order's lines: into stock, or, where it was not sent, no longer set apart."""

from collections import Counter
from collections.abc import Mapping
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.repository import Cause, StockLedger
from app.catalog.models import MovementKind
from app.core.cache.hot import invalidate
from app.sales.models import OrderLine
from app.sales.refunds.repository import RefundRepository


class Restocking:
    """Moves stock back by the ledger, part by part where a line was a bundle."""

    def __init__(self, session: AsyncSession, refunds: RefundRepository, ledger: StockLedger) -> None:
        self._session = session
        self._refunds = refunds
        self._ledger = ledger

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, RefundRepository(session), StockLedger(session))

    async def take_back(
        self,
        pieces: Mapping[OrderLine, int],
        actor_id: int | None,
        *,
        damaged: Mapping[int, int] | None = None,
    ) -> None:
        """Take so many pieces of the lines back; of `damaged`, by the line's id, so many are put on hand and off again.

        What is not with the buyer, and what is of an item that the catalogue has no more, moves nothing.
        """
        order_id = next(iter(pieces)).order_id
        parts = await self._refunds.lock_parts_of(order_id)
        lines = {line.id: (line, quantity) for line, quantity in pieces.items()}
        released, returned = Counter[int](), Counter[int]()
        spoilt = Counter[int]()
        for part in parts:
            if part.line_id not in lines:
                continue
            line, quantity = lines[part.line_id]
            each = part.quantity // line.quantity
            apart = min(part.reserved, quantity * each)
            back = min(part.shipped - part.returned, quantity * each - apart)
            part.reserved -= apart
            part.returned += back
            released[part.item_id] += apart
            returned[part.item_id] += back
            spoilt[part.item_id] += min(back, (damaged or {}).get(part.line_id, 0) * each)
        await self._refunds.flush()
        await self._move(released, Cause(MovementKind.RELEASE, actor_id, order_id=order_id), apart=True)
        await self._move(returned, Cause(MovementKind.RETURN, actor_id, order_id=order_id))
        off = Cause(MovementKind.ADJUSTMENT, actor_id, "Came back damaged", order_id)
        await self._move(Counter({item_id: -pieces for item_id, pieces in spoilt.items()}), off)

    async def _move(self, pieces: Counter[int], cause: Cause, *, apart: bool = False) -> None:
        wanted = {item_id: -count if apart else count for item_id, count in pieces.items() if count}
        move = self._ledger.reserve if apart else self._ledger.move
        while wanted:
            moved = await move(wanted, cause)
            if len(moved) == len(wanted):
                break
            # An item was deleted since: of it there is no stock.
            wanted = {one.item_id: wanted[one.item_id] for one in moved}
        if wanted:
            invalidate(self._session, LISTS, *(ITEM.format(item_id) for item_id in wanted))
