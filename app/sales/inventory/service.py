"""Moving stock, each time with its entry in the ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.errors import no_item
from app.catalog.goods.repository import Cause, Moved, StockLedger
from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.catalog.models import MovementKind
from app.core.cache.hot import invalidate
from app.core.http.conditional import Precondition
from app.identity.principal import Principal
from app.sales.inventory.errors import InsufficientStock, StockTooHigh, UnknownItem
from app.sales.inventory.repository import StockRepository
from app.sales.inventory.schemas import AdjustmentIn, ReceiptIn, StockPatch


class InventoryService:
    """Receives and adjusts stock."""

    def __init__(self, session: AsyncSession, ledger: StockLedger, levels: StockRepository) -> None:
        self._session = session
        self._ledger = ledger
        self._levels = levels

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, StockLedger(session), StockRepository(session))

    async def adjust(self, actor: Principal, item_id: int, adjustment: AdjustmentIn) -> int:
        """Correct what is on hand; the id of its movement. Raises ItemNotFound, InsufficientStock, StockTooHigh."""
        deltas = {item_id: adjustment.delta}
        moved = await self._ledger.move(
            deltas, Cause(MovementKind.ADJUSTMENT, actor.user_id, adjustment.reason)
        )
        if not moved:
            raise no_item(item_id)
        return self._settled(deltas, moved)[0]

    async def receive(self, actor: Principal, receipt: ReceiptIn) -> Sequence[int]:
        """Put on hand what arrived, all of it or none; the ids of its movements. Raises UnknownItem, StockTooHigh."""
        deltas: Counter[int] = Counter()
        for line in receipt.lines:
            deltas[line.item_id] += line.quantity
        moved = await self._ledger.move(deltas, Cause(MovementKind.RECEIPT, actor.user_id, receipt.reason))
        unknown = deltas.keys() - {one.item_id for one in moved}
        if unknown:
            place = next(index for index, line in enumerate(receipt.lines) if line.item_id in unknown)
            message = f"There is no item {receipt.lines[place].item_id}; nothing was received."
            raise UnknownItem(message, errors=UnknownItem.about(f"lines.{place}.item_id", message))
        return self._settled(deltas, moved)

    async def change(self, item_id: int, precondition: Precondition, patch: StockPatch) -> None:
        """Set only what was sent. Raises ItemNotFound, StaleVersion."""
        level = await self._levels.lock(item_id)
        if level is None:
            raise no_item(item_id)
        precondition.check(level.version)
        if "low_stock_threshold" in patch.model_fields_set:
            await self._levels.set_threshold(level, patch.low_stock_threshold)

    def _settled(self, deltas: Mapping[int, int], moved: Sequence[Moved]) -> Sequence[int]:
        ids = [one.movement_id for one in moved if one.movement_id is not None]
        if len(ids) == len(deltas):
            invalidate(self._session, LISTS, *(ITEM.format(item_id) for item_id in deltas))
            return ids
        short = [one for one in moved if one.available + deltas[one.item_id] < 0]
        if short:
            told = ", ".join(f"{one.available} of item {one.item_id}" for one in short)
            lines = [{"item_id": one.item_id, "available": one.available} for one in short]
            raise InsufficientStock(f"There are only {told}.", lines=lines)
        full = next(one for one in moved if one.on_hand + deltas[one.item_id] > LARGEST_QUANTITY)
        raise StockTooHigh(
            f"Item {full.item_id} has {full.on_hand:,}, and at most {LARGEST_QUANTITY:,} may be on hand; nothing moved."
        )
