"""What the router of discounts asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.discounts.errors import (
    DiscountCodeTaken,
    DiscountNotFound,
    InvalidDiscount,
    UnknownDiscountScope,
)
from app.sales.discounts.service import DiscountService
from app.sales.errors import AmountNotInCurrency


@refuses(DiscountNotFound, where=lambda use: use.method != "POST")
@refuses(
    AmountNotInCurrency, DiscountCodeTaken, UnknownDiscountScope, where=lambda use: use.method != "DELETE"
)
@refuses(InvalidDiscount, where=lambda use: use.method in {"PUT", "PATCH"})
async def get_discount_service(request: Request, session: SessionDep) -> DiscountService:
    """Discounts in the shop's currency, on the request's transaction."""
    return DiscountService.build(session, request.app.state.settings.currency)


DiscountServiceDep = Annotated[DiscountService, Depends(get_discount_service, scope="function")]
