"""What the router of gift cards asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.core.rate_limit import rate_limited
from app.sales.gift_cards.errors import GiftCardNotFound
from app.sales.gift_cards.service import GiftCardService


@refuses(GiftCardNotFound, where=lambda use: use.method == "PATCH")
async def get_gift_card_service(request: Request, session: SessionDep) -> GiftCardService:
    """Gift cards in the shop's currency, on the request's transaction."""
    return GiftCardService.build(session, request.app.state.settings.currency)


GiftCardServiceDep = Annotated[GiftCardService, Depends(get_gift_card_service, scope="function")]
LIMITED = Depends(rate_limited("gift_card"))
"""Codes are not to be guessed."""
