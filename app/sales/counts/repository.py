"""Writes of stock-takes. Locked: the stock-take first, then stock, then its lines."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.catalog.models import BookCategory, Category, Item, StockLevel
from app.sales.models import StockCount, StockCountLine

_VARIANCE = StockCountLine.counted - StockCountLine.expected
_AFTER = StockLevel.on_hand + _VARIANCE
_IS_POSSIBLE = and_(
    _AFTER.between(0, LARGEST_QUANTITY), _AFTER + StockLevel.oversell_limit >= StockLevel.reserved
)


class Variance(NamedTuple):
    """By how much on hand of an item is to be adjusted."""

    item_id: int
    delta: int


class Refused(NamedTuple):
    """An item whose count cannot be put on hand."""

    item_id: int
    counted: int
    expected: int
    on_hand: int
    reserved: int


class CountRepository:
    """Locks stock-takes, and adds to what was counted."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, count: StockCount) -> None:
        """Insert the stock-take."""
        self._session.add(count)
        await self._session.flush()

    async def has_category(self, category_id: int) -> bool:
        """Whether there is this category."""
        return bool(await self._session.scalar(select(exists().where(Category.id == category_id))))

    async def share(self, count_id: int) -> StockCount | None:
        """Keep the stock-take as it is while something is counted, by any number of devices at once."""
        return await self._session.get(
            StockCount, count_id, with_for_update={"read": True}, populate_existing=True
        )

    async def lock(self, count_id: int) -> StockCount | None:
        """Lock the stock-take: whoever counts is done, or comes too late."""
        return await self._session.get(StockCount, count_id, with_for_update=True, populate_existing=True)

    async def is_below(self, item_id: int, category_id: int) -> bool:
        """Whether the item stands in the category, or in one below it."""
        root = aliased(Category)
        is_below = or_(Category.id == root.id, func.starts_with(Category.path, func.concat(root.path, "/")))
        placed = (
            select(BookCategory.book_id)
            .join(Category, Category.id == BookCategory.category_id)
            .join(root, and_(root.id == category_id, is_below))
            .where(BookCategory.book_id == item_id)
        )
        return await self._session.scalar(placed.limit(1)) is not None

    async def count_items(self, count_id: int) -> int:
        """How many items were counted."""
        counted = select(func.count()).where(StockCountLine.count_id == count_id)
        return await self._session.scalar(counted) or 0

    async def hold_item(self, item_id: int) -> bool:
        """Keep the item from being deleted until the transaction ends; False where there is none."""
        item = select(Item.id).where(Item.id == item_id)
        return await self._session.scalar(item.with_for_update(read=True, key_share=True)) is not None

    async def hold_stock(self, item_id: int) -> int | None:
        """What is on hand of the item, which stays so until the transaction ends; None without a stock of its own.

        Stock that is just being moved is waited for, so that what was counted stands beside what was there.
        """
        level = select(StockLevel.on_hand).where(StockLevel.item_id == item_id)
        return await self._session.scalar(level.with_for_update(read=True))

    async def record(self, line: StockCountLine, *, is_added: bool) -> bool:
        """Write what was counted: in all, or in addition to what was; False where that is too much."""
        columns = ("count_id", "item_id", "counted", "expected", "counted_by")
        first = insert(StockCountLine).values({name: getattr(line, name) for name in columns})
        counted = first.excluded.counted + (StockCountLine.counted if is_added else 0)
        written = first.on_conflict_do_update(
            index_elements=[StockCountLine.count_id, StockCountLine.item_id],
            set_={
                "counted": counted,
                "expected": first.excluded.expected,
                "counted_by": first.excluded.counted_by,
                "counted_at": func.now(),
            },
            where=counted <= LARGEST_QUANTITY,
        ).returning(StockCountLine.item_id)
        return await self._session.scalar(written) is not None

    async def list_variances(self, count_id: int) -> Sequence[Variance]:
        """What is to be adjusted, in the order of the items' ids."""
        other = select(StockCountLine.item_id, _VARIANCE).where(
            StockCountLine.count_id == count_id, _VARIANCE != 0
        )
        return [Variance(*row) for row in await self._session.execute(other.order_by(StockCountLine.item_id))]

    async def list_refused(self, count_id: int) -> Sequence[Refused]:
        """The items whose variance cannot be adjusted, by what is on hand and reserved now."""
        columns = (
            StockCountLine.item_id,
            StockCountLine.counted,
            StockCountLine.expected,
            StockLevel.on_hand,
            StockLevel.reserved,
        )
        of_count = select(*columns).join(StockLevel, StockLevel.item_id == StockCountLine.item_id)
        refused = of_count.where(StockCountLine.count_id == count_id, _VARIANCE != 0, ~_IS_POSSIBLE)
        return [
            Refused(*row) for row in await self._session.execute(refused.order_by(StockCountLine.item_id))
        ]

    async def flush(self) -> None:
        """Write what was changed."""
        await self._session.flush()
