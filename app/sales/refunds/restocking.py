"""What comes back to the shop of an order's lines: into stock, or, where it was not sent, no longer set apart."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.repository import Cause, StockLedger
from app.catalog.models import MovementKind
from app.core.cache.hot import invalidate
from app.sales.models import Order, OrderLine, OrderPart
from app.sales.order_states import Action, FulfilmentStatus, OrderStatus, next_status
from app.sales.orders.repository import OrderRepository
from app.sales.refunds.repository import RefundRepository


class Restocking:
    """Moves stock back by the ledger, part by part where a line was a bundle."""

    def __init__(
        self, session: AsyncSession, orders: OrderRepository, refunds: RefundRepository, ledger: StockLedger
    ) -> None:
        self._session = session
        self._orders = orders
        self._refunds = refunds
        self._ledger = ledger

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, OrderRepository(session), RefundRepository(session), StockLedger(session))

    async def take_back(
        self,
        order: Order,
        pieces: Mapping[OrderLine, int],
        actor_id: int | None,
        *,
        damaged: Mapping[int, int] | None = None,
    ) -> None:
        """Take so many pieces of the locked order's lines back; of `damaged`, by the line's id, so many are put on hand
        and off again.

        What is not with the buyer, and what is of an item that the catalogue has no more, moves nothing.
        """
        parts = await self._refunds.lock_parts_of(order.id)
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
        self._follow(order, parts)
        await self._refunds.flush()
        # Of all moves together, so that others who move the same items wait for each other in one order.
        there = await self._ledger.lock(released.keys() | returned.keys())
        cause = Cause(MovementKind.RELEASE, actor_id, order_id=order.id)
        await self._ledger.reserve({one: -released[one] for one in there if released[one]}, cause)
        await self._ledger.move(
            {one: returned[one] for one in there if returned[one]}, cause._replace(kind=MovementKind.RETURN)
        )
        off = Cause(MovementKind.ADJUSTMENT, actor_id, "Came back damaged", order.id)
        await self._ledger.move({one: -spoilt[one] for one in there if spoilt[one]}, off)
        if there:
            invalidate(self._session, LISTS, *(ITEM.format(item_id) for item_id in there))

    def _follow(self, order: Order, parts: Sequence[OrderPart]) -> None:
        """Bring the order to where its goods are now: all sent that is still to be, or back in part or in whole."""
        before, fulfilment = OrderStatus(order.status), FulfilmentStatus(order.fulfilment_status)
        action = None
        if fulfilment is FulfilmentStatus.PARTIALLY_SHIPPED and not any(part.reserved for part in parts):
            action, order.fulfilment_status = Action.SHIP, FulfilmentStatus.SHIPPED
        elif before is OrderStatus.DELIVERED and all(part.returned == part.shipped for part in parts):
            action, order.fulfilment_status = Action.RETURN, FulfilmentStatus.RETURNED
        elif before is OrderStatus.DELIVERED and any(part.returned for part in parts):
            order.fulfilment_status = FulfilmentStatus.PARTIALLY_RETURNED
        if action is not None:
            order.status = next_status(before, fulfilment, action) or before
            self._orders.count_status(order)
