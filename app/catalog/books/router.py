"""`/api/v1/books`."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from app.catalog.books import queries
from app.catalog.books.deps import BookServiceDep, asked_view
from app.catalog.books.errors import BookNotFound, InvalidIsbn
from app.catalog.books.json_ld import LINKED
from app.catalog.books.ndjson import LINES, stream_lines
from app.catalog.books.representations import (
    VIEW_PARAMETERS,
    BookListQuery,
    ExpandedBook,
    OwnExpandedBook,
    PartialBook,
)
from app.catalog.books.schemas import BookIn, BookPatch, OwnBook
from app.catalog.cache_groups import ITEM, LISTS
from app.catalog.goods.deps import ItemReadsDep, limit_search
from app.catalog.goods.pictures import listing_form
from app.core.db.paging import Page, PagerDep
from app.core.http.conditional import PreconditionDep
from app.core.http.idempotency import IDEMPOTENT, IdempotentRoute
from app.core.http.negotiation import NDJSON
from app.core.http.problems import problems
from app.core.http.responses import HotDep, ReadBackDep, start_stream, stream_response
from app.core.http.schemas import RowId
from app.identity.authentication.deps import Seller, documented_permission, require_permission
from app.identity.permissions import Permission

router = APIRouter(prefix="/api/v1/books", tags=["books"], route_class=IdempotentRoute)

_PrintedIsbn = Annotated[
    str, Path(description="ISBN-10 or ISBN-13 in any printed form.", examples=["978-0-439-02348-1"])
]


@router.get(
    "",
    summary="List books",
    response_model=Page[ExpandedBook] | Page[PartialBook],
    dependencies=[Depends(limit_search)],
    responses=LINES,
    openapi_extra=documented_permission(Permission.CATALOG_TRANSFER),
)
async def list_books(
    query: Annotated[BookListQuery, Query()], pager: PagerDep, hot: HotDep, request: Request
) -> Response:
    """A page of books that meet every filter, by title unless `sort` says otherwise.

    To staff who `Accept: application/x-ndjson` the whole list is streamed, a book a line, whatever the page.
    """
    if hot.media_type == NDJSON:
        await require_permission(request, Permission.CATALOG_TRANSFER)
        return stream_response(await start_stream(stream_lines(request.app.state.database, query)), NDJSON)
    read = partial(queries.list_books, query=query, pager=pager, view=query.view)
    return await hot.answer(LISTS, read, keep=query.search is None)


@router.get(
    "/{book_id}",
    summary="Read a book",
    response_model=ExpandedBook | OwnExpandedBook | PartialBook,
    responses=problems(BookNotFound) | LINKED,
    openapi_extra=VIEW_PARAMETERS,
)
async def get_book(book_id: RowId, hot: ItemReadsDep) -> Response:
    """A book with its contributors, categories and stock. Sends an ETag; understands If-None-Match.

    Its owner and moderators, with their credentials, see more, and also what is off sale.
    `Accept: application/ld+json` asks for it in the vocabulary of schema.org.
    """
    view = asked_view(hot)
    # What is shown beside a book changes with other books.
    group = LISTS if view.expand else ITEM.format(book_id)
    return await hot.answer_item(group, partial(queries.get_book, book_id=book_id, view=view))


@router.get(
    "/isbn/{isbn}",
    summary="Find a book by ISBN",
    response_model=ExpandedBook | OwnExpandedBook | PartialBook,
    responses=problems(BookNotFound, InvalidIsbn) | LINKED,
    openapi_extra=VIEW_PARAMETERS,
)
async def get_book_by_isbn(isbn: _PrintedIsbn, hot: ItemReadsDep) -> Response:
    """The book with this ISBN-10 or ISBN-13 in any printed form; shown as at its own address."""
    view = asked_view(hot)
    return await hot.answer_item(LISTS, partial(queries.get_book_by_isbn, printed=isbn, view=view))


@router.post(
    "",
    status_code=201,
    summary="List a book for sale",
    response_model=OwnBook,
    dependencies=[IDEMPOTENT],
    openapi_extra=listing_form(BookIn),
)
async def create_book(
    book: BookIn, seller: Seller, books: BookServiceDep, read_back: ReadBackDep
) -> Response:
    """Add a book of one's own. Contributors given by name are found in the catalogue or added to it.

    Sent as a form, it comes with up to six pictures, the cover first.
    """
    book_id = await books.create(seller, book)
    location = f"/api/v1/books/{book_id}"
    return await read_back(
        partial(queries.get_book, book_id=book_id, viewer=seller), status=201, location=location
    )


@router.put("/{book_id}", summary="Replace a book", response_model=OwnBook)
async def replace_book(
    book_id: RowId,
    book: BookIn,
    seller: Seller,
    precondition: PreconditionDep,
    books: BookServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set every field; what is left out becomes empty. Its owner or a moderator may."""
    await books.change(seller, book_id, precondition, book)
    return await read_back(partial(queries.get_book, book_id=book_id, viewer=seller))


@router.patch("/{book_id}", summary="Change a book", response_model=OwnBook)
async def change_book(
    book_id: RowId,
    patch: BookPatch,
    seller: Seller,
    precondition: PreconditionDep,
    books: BookServiceDep,
    read_back: ReadBackDep,
) -> Response:
    """Set only what is sent; null empties a field that may be empty. Its owner or a moderator may."""
    await books.change(seller, book_id, precondition, patch)
    return await read_back(partial(queries.get_book, book_id=book_id, viewer=seller))


@router.delete("/{book_id}", status_code=204, summary="Delete a book")
async def delete_book(
    book_id: RowId, seller: Seller, precondition: PreconditionDep, books: BookServiceDep
) -> None:
    """Take a book out of the catalogue. Its owner or a moderator may."""
    await books.delete(seller, book_id, precondition)
