"""What the router of checkouts asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.cart.errors import NotForSale
from app.sales.checkout.errors import NotShippedThere, OrderTooLarge, UnknownShippingOption
from app.sales.checkout.quotes import Terms
from app.sales.checkout.service import CheckoutService, terms_of
from app.sales.inventory.errors import InsufficientStock


@refuses(NotForSale, InsufficientStock, OrderTooLarge, NotShippedThere, UnknownShippingOption)
async def get_checkout_service(request: Request, session: SessionDep) -> CheckoutService:
    """Checkouts on the request's transaction."""
    return CheckoutService.build(session, request.app.state.settings)


async def get_terms(request: Request) -> Terms:
    """How the shop sells."""
    return terms_of(request.app.state.settings)


CheckoutServiceDep = Annotated[CheckoutService, Depends(get_checkout_service, scope="function")]
TermsDep = Annotated[Terms, Depends(get_terms)]
