"""What the router of books asks for: the service, and what a client wants to see of one book."""

from typing import Annotated

from fastapi import Depends, Request

from app.catalog.authors.errors import UnknownAuthor
from app.catalog.books.errors import BookNotFound, DuplicateContributor, IsbnTaken
from app.catalog.books.representations import WHOLE, BookView, ViewQuery
from app.catalog.books.service import BookService
from app.catalog.categories.errors import UnknownCategory
from app.catalog.goods.deps import read_query
from app.catalog.goods.errors import ItemInOffer, NotYourItem, PriceTooHigh, QuantityNotSettable, SkuTaken
from app.catalog.works.errors import UnknownWork
from app.core.db.transaction import SessionDep
from app.core.errors import refuses
from app.core.http.negotiation import JSON_LD
from app.core.http.responses import HotReads


@refuses(ItemInOffer, where=lambda use: use.method == "DELETE")
@refuses(BookNotFound, NotYourItem, where=lambda use: use.method != "POST")
@refuses(QuantityNotSettable, where=lambda use: use.method in {"PUT", "PATCH"})
@refuses(IsbnTaken, SkuTaken, where=lambda use: use.method != "DELETE")
@refuses(PriceTooHigh, where=lambda use: use.method in {"PUT", "PATCH"})
@refuses(UnknownAuthor, UnknownCategory, UnknownWork, where=lambda use: use.method != "DELETE")
@refuses(DuplicateContributor, where=lambda use: use.method != "DELETE")
async def get_book_service(request: Request, session: SessionDep) -> BookService:
    """Compose it on the request's transaction, priced in the shop's currency."""
    return BookService.build(session, request.app.state.settings.currency)


BookServiceDep = Annotated[BookService, Depends(get_book_service, scope="function")]


def asked_view(hot: HotReads) -> BookView:
    """Read `fields` and `expand`, and whether JSON-LD is preferred; any other parameter is refused.

    Called by the endpoints: a dependency would cost a cold read 3% of its time.
    """
    shop = hot.public_url if hot.media_type == JSON_LD else None
    if not hot.query and shop is None:
        return WHOLE
    asked = read_query(hot, ViewQuery)
    return BookView(asked.fields, asked.expand, shop)
