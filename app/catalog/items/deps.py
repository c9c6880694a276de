"""What the router of items asks for."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.books.errors import DuplicateContributor, IsbnTaken
from app.catalog.categories.errors import UnknownCategory
from app.catalog.goods.errors import (
    ItemInOffer,
    ItemNotFound,
    KindFixed,
    NotYourItem,
    PriceTooHigh,
    QuantityNotSettable,
    SkuTaken,
)
from app.catalog.items.service import ItemService
from app.core.db.transaction import SessionDep
from app.core.errors import refuses


@refuses(ItemInOffer, where=lambda use: use.method == "DELETE")
@refuses(ItemNotFound, NotYourItem, where=lambda use: use.method != "POST")
@refuses(KindFixed, QuantityNotSettable, where=lambda use: use.method in {"PUT", "PATCH"})
@refuses(SkuTaken, IsbnTaken, where=lambda use: use.method != "DELETE")
@refuses(PriceTooHigh, where=lambda use: use.method in {"PUT", "PATCH"})
@refuses(UnknownCategory, where=lambda use: use.method != "DELETE")
@refuses(DuplicateContributor, where=lambda use: use.method in {"POST", "PUT"})
async def get_item_service(request: Request, session: SessionDep) -> ItemService:
    """Compose it on the request's transaction, priced in the shop's currency."""
    return ItemService.build(session, request.app.state.settings.currency)


ItemServiceDep = Annotated[ItemService, Depends(get_item_service, scope="function")]
