"""What the router of the till asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.goods.errors import ItemNotFound
from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.cart.errors import CouponNotValid, NotForSale
from app.sales.inventory.errors import InsufficientStock
from app.sales.till.errors import TooLittleTendered, TooManyPieces
from app.sales.till.service import TillService


@refuses(ItemNotFound, NotForSale, CouponNotValid, InsufficientStock, TooLittleTendered, TooManyPieces)
async def get_till_service(request: Request, session: SessionDep) -> TillService:
    """The till, on the request's transaction."""
    return TillService.build(session, request.app.state.settings)


TillServiceDep = Annotated[TillService, Depends(get_till_service, scope="function")]
