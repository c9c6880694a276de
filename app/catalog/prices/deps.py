"""What the router of prices asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.goods.errors import ItemNotFound, NotYourItem
from app.catalog.prices.errors import PriceScheduleClosed, PriceScheduleNotFound
from app.catalog.prices.service import PriceScheduleService
from app.core.db.transaction import SessionDep
from app.core.errors import refuses


@refuses(ItemNotFound, NotYourItem)
@refuses(PriceScheduleNotFound, PriceScheduleClosed, where=lambda use: use.method != "POST")
async def get_price_schedule_service(request: Request, session: SessionDep) -> PriceScheduleService:
    """Planned prices in the shop's currency, on the request's transaction."""
    return PriceScheduleService.build(session, request.app.state.settings.currency)


PriceScheduleServiceDep = Annotated[
    PriceScheduleService, Depends(get_price_schedule_service, scope="function")
]
