"""Counting the stock, and putting it right by the count."""

from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.categories.errors import UnknownCategory
from app.catalog.goods.errors import no_item
from app.catalog.goods.repository import Cause, StockLedger
from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.catalog.models import MovementKind
from app.core.cache.hot import invalidate
from app.core.clock import utc_now
from app.identity.principal import Principal
from app.sales.counts.errors import (
    CountClosed,
    CountFull,
    CountRefused,
    CountTooHigh,
    NotInCount,
    no_count,
)
from app.sales.counts.repository import CountRepository
from app.sales.counts.schemas import MOST_ITEMS, CountedIn, CountIn, CountScanIn
from app.sales.models import CountStatus, StockCount, StockCountLine
from app.sales.scanning.queries import find_scanned

_TOLD = 20


class CountService:
    """Stock-takes of one transaction."""

    def __init__(self, session: AsyncSession, counts: CountRepository, ledger: StockLedger) -> None:
        self._session = session
        self._counts = counts
        self._ledger = ledger

    @classmethod
    def build(cls, session: AsyncSession) -> Self:
        """Compose it on one session."""
        return cls(session, CountRepository(session), StockLedger(session))

    async def open(self, actor: Principal, wanted: CountIn) -> int:
        """Begin a stock-take; its id. Raises UnknownCategory."""
        if wanted.category_id is not None and not await self._counts.has_category(wanted.category_id):
            message = f"There is no category {wanted.category_id}."
            raise UnknownCategory(message, errors=UnknownCategory.about("category_id", message))
        item_ids = sorted(set(wanted.item_ids)) if wanted.item_ids else None
        count = StockCount(
            name=wanted.name, category_id=wanted.category_id, item_ids=item_ids, opened_by=actor.user_id
        )
        await self._counts.add(count)
        return count.id

    async def scan(self, actor: Principal, count_id: int, scanned: CountScanIn) -> int:
        """Add to what was counted of an item; the item's id.

        Raises CountNotFound, CountClosed, CodeNotFound, ItemNotFound, NotInCount, CountFull, CountTooHigh.
        """
        item_id = scanned.item_id
        if scanned.code is not None:
            [found] = await find_scanned(await self._session.connection(), {"code": scanned.code})
            item_id = found.item_id
        await self._record(actor, count_id, item_id or 0, scanned.quantity, is_added=True)
        return item_id or 0

    async def set(self, actor: Principal, count_id: int, item_id: int, counted: CountedIn) -> None:
        """Set what was counted of an item. Raises CountNotFound, CountClosed, ItemNotFound, NotInCount, CountFull."""
        await self._record(actor, count_id, item_id, counted.counted, is_added=False)

    async def apply(self, actor: Principal, count_id: int) -> None:
        """Adjust what is on hand by all variances, once, or by none. Raises CountNotFound, CountClosed, CountRefused.

        What moved since an item was counted stays moved: the difference is adjusted, no number is set.
        """
        count = await self._close(actor, count_id, CountStatus.COMMITTED)
        variances = {one.item_id: one.delta for one in await self._counts.list_variances(count_id)}
        if not variances:
            return
        reason = f"Stock-take {count_id}" if count.name is None else f"Stock-take {count_id}: {count.name}"
        moved = await self._ledger.move(variances, Cause(MovementKind.ADJUSTMENT, actor.user_id, reason))
        if any(one.movement_id is None for one in moved):
            refused = await self._counts.list_refused(count_id)
            told = ", ".join(
                f"{one.counted} of item {one.item_id}, of which {one.on_hand} are on hand and {one.reserved} reserved"
                for one in refused[:_TOLD]
            )
            raise CountRefused(
                f"Nothing was adjusted: there cannot be {told}.", lines=[one._asdict() for one in refused]
            )
        invalidate(self._session, LISTS, *(ITEM.format(item_id) for item_id in variances))

    async def cancel(self, actor: Principal, count_id: int) -> None:
        """End the stock-take without any adjustment. Raises CountNotFound, CountClosed."""
        await self._close(actor, count_id, CountStatus.CANCELLED)

    async def _close(self, actor: Principal, count_id: int, status: CountStatus) -> StockCount:
        count = _require_open(await self._counts.lock(count_id), count_id)
        count.status = status
        count.closed_by, count.closed_at = actor.user_id, utc_now()
        await self._counts.flush()
        return count

    async def _record(
        self, actor: Principal, count_id: int, item_id: int, counted: int, *, is_added: bool
    ) -> None:
        count = _require_open(await self._counts.share(count_id), count_id)
        if not await self._counts.hold_item(item_id):
            raise no_item(item_id)
        on_hand = await self._counts.hold_stock(item_id)
        if on_hand is None or not await self._is_in_scope(count, item_id):
            raise NotInCount(f"Item {item_id} is not counted in stock-take {count_id}.")
        line = StockCountLine(
            count_id=count_id, item_id=item_id, counted=counted, expected=on_hand, counted_by=actor.user_id
        )
        if not await self._counts.record(line, is_added=is_added):
            raise CountTooHigh(f"At most {LARGEST_QUANTITY:,} of an item may be counted.")
        if await self._counts.count_items(count_id) > MOST_ITEMS:
            raise CountFull(f"A stock-take has at most {MOST_ITEMS} items; open another one.")

    async def _is_in_scope(self, count: StockCount, item_id: int) -> bool:
        if count.item_ids is not None:
            return item_id in count.item_ids
        return count.category_id is None or await self._counts.is_below(item_id, count.category_id)


def _require_open(count: StockCount | None, count_id: int) -> StockCount:
    """Raises CountNotFound, CountClosed."""
    if count is None:
        raise no_count(count_id)
    if count.status != CountStatus.OPEN:
        raise CountClosed(f"Stock-take {count_id} was {count.status}.")
    return count
