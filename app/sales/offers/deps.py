"""What the router of bundles asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.goods.errors import NotYourItem
from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.sales.inventory.errors import UnknownItem
from app.sales.offers.errors import OfferNotFound, UnfitPart
from app.sales.offers.service import OfferService


@refuses(NotYourItem)
@refuses(OfferNotFound, where=lambda use: use.method != "POST")
@refuses(UnknownItem, UnfitPart, where=lambda use: use.method != "DELETE")
async def get_offer_service(request: Request, session: SessionDep) -> OfferService:
    """Bundles in the shop's currency, on the request's transaction."""
    return OfferService.build(session, request.app.state.settings.currency)


OfferServiceDep = Annotated[OfferService, Depends(get_offer_service, scope="function")]
