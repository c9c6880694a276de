"""Reads stock and its ledger for display."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.goods.errors import no_item
from app.catalog.goods.queries import AVAILABLE, join_items
from app.catalog.models import Item, StockLevel, StockMovement
from app.catalog.models.goods import IS_LOW
from app.core.db.paging import Pager
from app.core.db.queries import contains_folded, find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, version_etag
from app.sales.inventory.schemas import (
    MismatchOut,
    MovementFilter,
    MovementOut,
    ReceiptOut,
    ReconciliationOut,
    StockFilter,
    StockOut,
)
from app.sales.models import InventoryCheck, OrderPart

_IS_LOW: ColumnElement[bool] = func.coalesce(literal_column(IS_LOW), False)
_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    Item.id,
    Item.id.label("item_id"),
    Item.kind,
    Item.sku,
    Item.title,
    StockLevel.on_hand,
    StockLevel.reserved,
    AVAILABLE.label("available"),
    StockLevel.sale_policy,
    StockLevel.oversell_limit,
    StockLevel.on_sale_at,
    StockLevel.low_stock_threshold,
    _IS_LOW.label("is_low"),
    StockLevel.version,
)
_SORT_COLUMNS: Mapping[str, SQLColumnExpression[Any]] = {"title": Item.title_folded, "available": AVAILABLE}
_STOCK = (
    select(*_COLUMNS, snapshot_text)
    .join(StockLevel, StockLevel.item_id == Item.id)
    .where(Item.id == bindparam("item"))
)
_MOVEMENT: Sequence[SQLColumnExpression[Any]] = (
    StockMovement.id,
    StockMovement.item_id,
    StockMovement.kind,
    StockMovement.delta,
    StockMovement.reserved_delta,
    StockMovement.balance_after,
    StockMovement.reason,
    StockMovement.order_id,
    StockMovement.actor_id,
    StockMovement.created_at,
)
_SHOWN = 100
_MOVED = (
    select(
        StockMovement.item_id,
        func.sum(StockMovement.delta).label("moved"),
        func.sum(StockMovement.reserved_delta).label("reserved_moved"),
    )
    .group_by(StockMovement.item_id)
    .subquery("sums")
)


_PROMISED = (
    select(OrderPart.item_id, func.sum(OrderPart.reserved).label("promised"))
    .where(OrderPart.reserved > 0)
    .group_by(OrderPart.item_id)
    .subquery("open_orders")
)


async def get_stock(connection: AsyncConnection, item_id: int) -> ReadResult:
    """One item's stock. Raises ItemNotFound."""
    row = (await connection.execute(_STOCK, {"item": item_id})).one_or_none()
    if row is None:
        raise no_item(item_id)
    stock = StockOut.model_validate(row)
    return ReadResult(stock, row.snapshot, version_etag(stock.version))


async def list_stock(connection: AsyncConnection, query: StockFilter, pager: Pager) -> ReadResult:
    """One page of the stock. Raises InvalidCursor."""
    window = pager.window(query)
    matching = select(Item.id).join(StockLevel, StockLevel.item_id == Item.id).where(*_conditions(query))
    order = Order.by(query.sort, _SORT_COLUMNS, Item.id)
    found = await find_page(connection, matching, order, window, _COLUMNS, join_items)
    stock = [StockOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, stock), found.snapshot)


async def list_movements(
    connection: AsyncConnection, item_id: int, query: MovementFilter, pager: Pager
) -> ReadResult:
    """One page of an item's movements, the newest first. Raises ItemNotFound, InvalidCursor."""
    await get_stock(connection, item_id)
    window = pager.window(query)
    matching = select(StockMovement.id).where(StockMovement.item_id == item_id)
    if query.kind is not None:
        matching = matching.where(StockMovement.kind == query.kind)
    order = Order(keys=((StockMovement.id.expression, True),))
    found = await find_page(connection, matching, order, window, _MOVEMENT)
    movements = [MovementOut.model_validate(row) for row in found.rows]
    return ReadResult(pager.page(query, window, found, movements), found.snapshot)


async def get_movement(connection: AsyncConnection, movement_id: int) -> ReadResult:
    """One entry of the ledger, which there is."""
    wanted = select(*_MOVEMENT, snapshot_text).where(StockMovement.id == movement_id)
    row = (await connection.execute(wanted)).one()
    return ReadResult(MovementOut.model_validate(row), row.snapshot)


async def get_receipt(connection: AsyncConnection, movement_ids: Sequence[int]) -> ReadResult:
    """These entries of the ledger, which there are."""
    wanted = select(*_MOVEMENT, snapshot_text).where(StockMovement.id.in_(movement_ids))
    rows = (await connection.execute(wanted.order_by(StockMovement.item_id))).all()
    return ReadResult(
        ReceiptOut(movements=[MovementOut.model_validate(row) for row in rows]), rows[0].snapshot
    )


async def reconcile(connection: AsyncConnection) -> ReadResult:
    """Compare every item's stock with the sums of its movements."""
    result, snapshot = await compare_all(connection)
    return ReadResult(result, snapshot)


async def compare_all(connection: AsyncConnection) -> tuple[ReconciliationOut, str]:
    """Compare stock, ledger and open orders; with the snapshot in which they were."""
    moved, reserved_moved = func.coalesce(_MOVED.c.moved, 0), func.coalesce(_MOVED.c.reserved_moved, 0)
    promised = func.coalesce(_PROMISED.c.promised, 0)
    disagrees = or_(
        StockLevel.on_hand != moved, StockLevel.reserved != reserved_moved, StockLevel.reserved != promised
    )
    all_three = StockLevel.__table__.outerjoin(_MOVED, _MOVED.c.item_id == StockLevel.item_id).outerjoin(
        _PROMISED, _PROMISED.c.item_id == StockLevel.item_id
    )
    counted = select(
        func.count().label("items"), func.count().filter(disagrees).label("mismatches"), snapshot_text
    )
    totals = (await connection.execute(counted.select_from(all_three))).one()
    listed = (
        select(
            StockLevel.item_id,
            StockLevel.on_hand,
            moved.label("moved"),
            StockLevel.reserved,
            reserved_moved.label("reserved_moved"),
            promised.label("promised"),
        )
        .select_from(all_three)
        .where(disagrees)
        .order_by(StockLevel.item_id)
        .limit(_SHOWN)
    )
    rows = (await connection.execute(listed)).all() if totals.mismatches else []
    result = ReconciliationOut(
        is_sound=totals.mismatches == 0,
        items=totals.items,
        mismatches=totals.mismatches,
        first=[MismatchOut.model_validate(row) for row in rows],
    )
    return result, totals.snapshot


async def count_mismatches(connection: AsyncConnection) -> int | None:
    """How many items disagreed when they were last compared by the clock; None before that."""
    latest = select(InventoryCheck.mismatches).order_by(InventoryCheck.id.desc()).limit(1)
    count: int | None = await connection.scalar(latest)
    return count


def _conditions(query: StockFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.search is not None:
        conditions.append(contains_folded(Item.title_folded, query.search))
    if query.sku is not None:
        conditions.append(Item.sku == query.sku)
    if query.kind is not None:
        conditions.append(Item.kind == query.kind)
    if query.is_low is not None:
        conditions.append(and_(text(IS_LOW)) if query.is_low else ~_IS_LOW)
    if query.in_stock is not None:
        conditions.append(StockLevel.available > 0 if query.in_stock else AVAILABLE <= 0)
    return conditions
