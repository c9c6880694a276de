"""What catalogue routers ask for beside principals: services on the request's transaction."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.books.service import BookService
from app.catalog.items.service import ItemService
from app.core.db import SessionDep


async def get_item_service(request: Request, session: SessionDep) -> ItemService:
    """Items, priced in the shop's currency."""
    return ItemService.build(session, request.app.state.settings.currency)


async def get_book_service(request: Request, session: SessionDep) -> BookService:
    """Books, priced in the shop's currency."""
    return BookService.build(session, request.app.state.settings.currency)


ItemServiceDep = Annotated[ItemService, Depends(get_item_service, scope="function")]
BookServiceDep = Annotated[BookService, Depends(get_book_service, scope="function")]
