"""What catalogue routers ask for beside principals: services on the request's transaction."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.books.service import BookService
from app.catalog.goods.service import ItemService
from app.core.db.transaction import SessionDep
from app.core.errors import RateLimited, refuses
from app.core.rate_limit import RateLimiter, client_address
from app.identity.authentication.deps import find_caller


async def get_item_service(request: Request, session: SessionDep) -> ItemService:
    """Items, priced in the shop's currency."""
    return ItemService.build(session, request.app.state.settings.currency)


async def get_book_service(request: Request, session: SessionDep) -> BookService:
    """Books, priced in the shop's currency."""
    return BookService.build(session, request.app.state.settings.currency)


ItemServiceDep = Annotated[ItemService, Depends(get_item_service, scope="function")]
BookServiceDep = Annotated[BookService, Depends(get_book_service, scope="function")]


@refuses(RateLimited)
async def limit_search(request: Request) -> None:
    """Count a search against the address of a caller who is not logged in. RateLimited."""
    is_search = not request.query_params.keys().isdisjoint(("search", "q"))
    if not is_search or await find_caller(request) is not None:
        return
    limiter: RateLimiter = request.app.state.rate_limiter
    request.scope["state"]["answer_headers"] = await limiter.check("search", client_address(request))
