"""`/api/v1/inventory`, and `/api/v1/admin/inventory/reconcile`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response

from app.catalog.goods.errors import ItemNotFound
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENCY_KEY_REQUIRED, IdempotentRoute
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep
from app.core.http.schemas import RowId
from app.identity.authentication.deps import INVENTORY_MANAGER, INVENTORY_READER, InventoryManager
from app.sales.inventory import queries
from app.sales.inventory.deps import InventoryServiceDep
from app.sales.inventory.errors import InsufficientStock, UnknownItem
from app.sales.inventory.schemas import (
    AdjustmentIn,
    MovementFilter,
    MovementOut,
    ReceiptIn,
    ReceiptOut,
    ReconciliationOut,
    StockFilter,
    StockOut,
    StockPatch,
)

router = APIRouter(prefix="/api/v1", tags=["inventory"], route_class=IdempotentRoute)


@router.get(
    "/inventory", summary="List the stock", response_model=Page[StockOut], dependencies=[INVENTORY_READER]
)
async def list_stock(query: Annotated[StockFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of items with what is on hand, reserved and available, by title unless `sort` says otherwise."""
    return await hot.answer_private(partial(queries.list_stock, query=query, pager=pager))


@router.post(
    "/inventory/receipts",
    status_code=201,
    summary="Receive goods",
    response_model=ReceiptOut,
    responses=problems(UnknownItem),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def create_receipt(
    receipt: ReceiptIn, actor: InventoryManager, inventory: InventoryServiceDep, read_back: ReadBackDep
) -> Response:
    """Put on hand what arrived, all lines or none. Needs an `Idempotency-Key`: what arrived once is counted once."""
    movement_ids = await inventory.receive(actor, receipt)
    return await read_back(partial(queries.get_receipt, movement_ids=movement_ids), status=201)


@router.get(
    "/inventory/{item_id}",
    summary="Read an item's stock",
    response_model=StockOut,
    responses=problems(ItemNotFound),
    dependencies=[INVENTORY_READER],
)
async def get_stock(item_id: RowId, hot: HotDep) -> Response:
    """On hand, reserved, available, and when it counts as low. Sends an ETag for `If-Match`."""
    return await hot.answer_private(partial(queries.get_stock, item_id=item_id))


@router.patch(
    "/inventory/{item_id}",
    summary="Say what may be sold of an item, and when its stock is low",
    response_model=StockOut,
    dependencies=[INVENTORY_MANAGER],
)
async def change_stock(
    item_id: RowId,
    patch: StockPatch,
    precondition: PreconditionDep,
    inventory: InventoryServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent. When so few are left, `stock.low` is announced once, and again after it was higher.

    `sale_policy` says what may be bought: `in_stock`, what is on hand; `backorder`, up to `oversell_limit` more;
    `preorder`, likewise, and nothing is sent out before `on_sale_at`; `none`, nothing for now, but what was promised
    stays so. A limit below what orders are promised is refused (409 `stock-reserved`).
    """
    await inventory.change(item_id, precondition, patch)
    return await read_back(partial(queries.get_stock, item_id=item_id))


@router.get(
    "/inventory/{item_id}/movements",
    summary="List an item's movements",
    response_model=Page[MovementOut],
    responses=problems(ItemNotFound),
    dependencies=[INVENTORY_READER],
)
async def list_movements(
    item_id: RowId, query: Annotated[MovementFilter, Query()], pager: PagerDep, hot: HotDep
) -> Response:
    """A page of the item's ledger, the newest first: who moved how many, why, and how many there were then."""
    return await hot.answer_private(
        partial(queries.list_movements, item_id=item_id, query=query, pager=pager)
    )


@router.post(
    "/inventory/{item_id}/adjust",
    status_code=201,
    summary="Adjust an item's stock",
    response_model=MovementOut,
    responses=problems(ItemNotFound, InsufficientStock),
    dependencies=[IDEMPOTENCY_KEY_REQUIRED],
)
async def adjust_stock(
    item_id: RowId,
    adjustment: AdjustmentIn,
    actor: InventoryManager,
    inventory: InventoryServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Correct what is on hand by a difference, so that sales meanwhile count. What is reserved cannot be taken."""
    movement_id = await inventory.adjust(actor, item_id, adjustment)
    return await read_back(partial(queries.get_movement, movement_id=movement_id), status=201)


@router.get(
    "/admin/inventory/reconcile",
    summary="Reconcile stock and ledger",
    response_model=ReconciliationOut,
    dependencies=[INVENTORY_READER],
)
async def reconcile_inventory(hot: HotDep) -> Response:
    """Compare every item's stock with the sums of its movements and with what open orders have reserved.

    They agree, or something wrote past the ledger.
    """
    return await hot.answer_private(queries.reconcile)
