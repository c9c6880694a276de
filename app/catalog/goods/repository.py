"""SQL of items and their stock."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Numeric,
    SQLColumnExpression,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.goods.schemas import GoodsFilter, ItemFilter
from app.catalog.models import Item, StockLevel, StockMovement
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order

AVAILABLE = func.coalesce(StockLevel.on_hand - StockLevel.reserved, 0)
# Of any precision: what stands for no price, and what limits may be, is more than a price can be.
_price_or_most = func.coalesce(Item.price, literal_column("10000000000"), type_=Numeric())
_price_or_least = func.coalesce(Item.price, literal_column("-1"), type_=Numeric())
"""What has no price comes after what has one, whichever way the list is sorted."""
_LARGEST_PRICE = Decimal("9999999999.99")
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {
    "title": Item.title_folded,
    "price": _price_or_most,
    "-price": _price_or_least,
    "created_at": Item.created_at,
}
ITEM_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Item.id,
    Item.kind,
    Item.sku,
    Item.title,
    Item.description,
    Item.price,
    Item.currency,
    Item.lowest_price_30d,
    AVAILABLE.label("quantity"),
    Item.tags,
    Item.owner_id,
    Item.version,
    Item.created_at,
    Item.updated_at,
    func.coalesce(StockLevel.version, 0).label("stock_version"),
)
_ITEM_BY_ID = (
    select(*ITEM_COLUMNS, snapshot_text)
    .outerjoin(StockLevel, StockLevel.item_id == Item.id)
    .where(Item.id == bindparam("item_id"))
)


class ItemRepository:
    """Items and stock levels of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, item: Item, quantity: int) -> None:
        """Insert the item with its first stock."""
        self._session.add(item)
        # The id is needed for the stock, and a taken SKU is refused before anything else is done.
        await self._session.flush()
        self._session.add(StockLevel(item_id=item.id, on_hand=quantity))
        if quantity:
            self._record(item.id, quantity, quantity, item.owner_id, "initial")
        await self._session.flush()

    async def lock(self, item_id: int) -> Item | None:
        """The item, held against other writers until the transaction ends."""
        return await self._session.get(Item, item_id, with_for_update=True)

    async def flush(self) -> None:
        """Write what changed, so that whoever reads next in this transaction sees it."""
        await self._session.flush()

    async def delete(self, item: Item) -> None:
        """Delete the item with everything that belongs to it; the ledger keeps its entries."""
        await self._session.execute(delete(Item).where(Item.id == item.id))

    async def set_available(self, item_id: int, quantity: int, actor_id: int) -> int:
        """Set on hand so that `quantity` is available, with a ledger entry of the difference; what was available."""
        level = (
            await self._session.execute(
                select(StockLevel.on_hand, StockLevel.reserved)
                .where(StockLevel.item_id == item_id)
                .with_for_update()
            )
        ).one()
        available: int = level.on_hand - level.reserved
        delta = quantity - available
        if delta == 0:
            return available
        await self._session.execute(
            update(StockLevel)
            .where(StockLevel.item_id == item_id)
            .values(on_hand=StockLevel.on_hand + delta, version=StockLevel.version + 1)
        )
        self._record(item_id, delta, level.on_hand + delta, actor_id, "adjustment")
        return available

    def _record(self, item_id: int, delta: int, balance: int, actor_id: int, kind: str) -> None:
        self._session.add(
            StockMovement(item_id=item_id, delta=delta, balance_after=balance, kind=kind, actor_id=actor_id)
        )


async def find_item(connection: AsyncConnection, item_id: int) -> AnyRow | None:
    """The item's answer columns and the snapshot they were read in."""
    return (await connection.execute(_ITEM_BY_ID, {"item_id": item_id})).one_or_none()


async def list_items(
    connection: AsyncConnection, query: ItemFilter, order: Order, window: Window
) -> Found[AnyRow]:
    """One page of items of every kind."""
    matching = select(Item.id).where(*_conditions(query))
    return await find_page(connection, matching, order, window, ITEM_COLUMNS, join_items)


def join_items(source: FromClause, item_id: ColumnElement[int]) -> FromClause:
    """The tables of `ITEM_COLUMNS`."""
    return source.outerjoin(Item, Item.id == item_id).outerjoin(StockLevel, StockLevel.item_id == Item.id)


def item_order(query: GoodsFilter) -> Order:
    """The requested order of items."""
    return Order.by(query.sort, _SORT_COLUMNS, Item.id)


def _conditions(query: ItemFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.kind is not None:
        conditions.append(Item.kind == query.kind)
    if query.search is not None:
        conditions.append(contains_folded(Item.title_folded, query.search))
    if query.tags:
        conditions.append(Item.tags.contains(query.tags))
    if query.min_price is not None:
        conditions.append(_price_or_least >= query.min_price)
    if query.max_price is not None:
        conditions.append(_price_or_most <= min(query.max_price, _LARGEST_PRICE))
    if query.in_stock is not None:
        is_available = (
            select(literal(1))
            .where(and_(StockLevel.item_id == Item.id, StockLevel.on_hand > StockLevel.reserved))
            .exists()
        )
        conditions.append(is_available if query.in_stock else ~is_available)
    return conditions
