"""Moving stock, each time with its entry in the ledger."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.errors import StockReserved, no_item
from app.catalog.goods.repository import Cause, Moved, StockLedger
from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.catalog.models import MovementKind, SalePolicy, StockLevel
from app.core.audit import differences, record_edit
from app.core.cache.hot import invalidate
from app.core.http.conditional import Precondition
from app.identity.principal import Principal
from app.sales.inventory.errors import InvalidSalePolicy, StockTooHigh, UnknownItem, only
from app.sales.inventory.repository import StockRepository
from app.sales.inventory.schemas import AdjustmentIn, ReceiptIn, StockPatch

_OVERSELLING = frozenset({SalePolicy.BACKORDER, SalePolicy.PREORDER})


class _Terms(NamedTuple):
    """The columns of a level that say what may be sold."""

    sale_policy: SalePolicy
    oversell_limit: int
    on_sale_at: datetime | None


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
        """Set only what was sent. Raises ItemNotFound, StaleVersion, InvalidSalePolicy, StockReserved."""
        level = await self._levels.lock(item_id)
        if level is None:
            raise no_item(item_id)
        precondition.check(level.version)
        if not patch.model_fields_set:
            return
        values: dict[str, object] = _weigh(level, patch)._asdict()
        if "low_stock_threshold" in patch.model_fields_set:
            values["low_stock_threshold"] = patch.low_stock_threshold
        record_edit(self._session, "stock.changed", ("item", item_id), differences(level, values))
        for name, value in values.items():
            setattr(level, name, value)
        await self._levels.save(level)
        invalidate(self._session, LISTS, ITEM.format(item_id))

    def _settled(self, deltas: Mapping[int, int], moved: Sequence[Moved]) -> Sequence[int]:
        ids = [one.movement_id for one in moved if one.movement_id is not None]
        if len(ids) == len(deltas):
            invalidate(self._session, LISTS, *(ITEM.format(item_id) for item_id in deltas))
            return ids
        short = {one.item_id: one.available for one in moved if one.available + deltas[one.item_id] < 0}
        if short:
            raise only(short)
        full = next(one for one in moved if one.on_hand + deltas[one.item_id] > LARGEST_QUANTITY)
        raise StockTooHigh(
            f"Item {full.item_id} has {full.on_hand:,}, and at most {LARGEST_QUANTITY:,} may be on hand; nothing moved."
        )


def _weigh(level: StockLevel, patch: StockPatch) -> _Terms:
    """What the patch makes of the terms of sale. Raises InvalidSalePolicy, StockReserved.

    The limit goes with what is sold before it is there, the moment with what is sold before it is out. Where nothing
    is sold any more both stay: what was promised is still owed, and still not sent out too soon.
    """
    sent = patch.model_fields_set
    policy = patch.sale_policy if "sale_policy" in sent else SalePolicy(level.sale_policy)
    limit = patch.oversell_limit if "oversell_limit" in sent else level.oversell_limit
    on_sale_at = patch.on_sale_at if "on_sale_at" in sent else level.on_sale_at
    if policy is SalePolicy.IN_STOCK:
        if limit and "oversell_limit" in sent:
            raise _unfit("oversell_limit", "`in_stock` sells what is on hand alone; leave the limit out")
        limit = 0
    if policy in {SalePolicy.IN_STOCK, SalePolicy.BACKORDER}:
        if on_sale_at is not None and "on_sale_at" in sent:
            raise _unfit("on_sale_at", f"`{policy}` is on sale at once; `preorder` waits for a moment")
        on_sale_at = None
    if policy is SalePolicy.PREORDER and on_sale_at is None:
        raise _unfit("on_sale_at", "`preorder` needs the moment from which it is sent out")
    if policy in _OVERSELLING and not limit and "oversell_limit" not in sent:
        raise _unfit("oversell_limit", f"`{policy}` needs how many may be sold before they are there")
    owed = level.reserved - level.on_hand
    if limit < owed:
        message = f"Orders are promised {owed} more than are on hand, so the limit cannot be {limit}."
        raise StockReserved(
            f"{message} Receive goods first, or stop the sale with `none`.",
            errors=StockReserved.about("oversell_limit", message),
        )
    return _Terms(policy, limit, on_sale_at)


def _unfit(field: str, message: str) -> InvalidSalePolicy:
    return InvalidSalePolicy(f"{message}.", errors=InvalidSalePolicy.about(field, message))
