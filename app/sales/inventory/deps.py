"""What the router of stock asks for."""

from typing import Annotated

from fastapi import Depends

from app.catalog.goods.errors import ItemNotFound, StockReserved
from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.inventory.errors import InvalidSalePolicy, StockTooHigh
from app.sales.inventory.service import InventoryService


@refuses(StockTooHigh, where=lambda use: use.method == "POST")
@refuses(ItemNotFound, InvalidSalePolicy, StockReserved, where=lambda use: use.method == "PATCH")
async def get_inventory_service(session: SessionDep) -> InventoryService:
    """Stock on the request's transaction."""
    return InventoryService.build(session)


InventoryServiceDep = Annotated[InventoryService, Depends(get_inventory_service, scope="function")]
