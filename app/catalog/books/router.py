"""`/api/v1/books`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.catalog.books.schemas import BookFilter, BookIn, BookOut, BookPatch
from app.catalog.books.service import BookCatalogue
from app.catalog.cache_groups import LISTS, item_group
from app.catalog.deps import BookServiceDep, limit_search
from app.catalog.errors import (
    BookNotFound,
    DuplicateContributor,
    InvalidIsbn,
    IsbnTaken,
    NotYourItem,
    SkuTaken,
    StockReserved,
    UnknownAuthor,
    UnknownCategory,
    UnknownWork,
)
from app.core.answers import HotDep, Reading, document_response
from app.core.conditional import PreconditionDep
from app.core.db import SessionDep
from app.core.errors import InvalidCursor, RateLimited, StaleVersion
from app.core.paging import Page, PagerDep
from app.core.problems import problems
from app.core.schemas import RowId
from app.identity.deps import Seller
from app.identity.errors import EmailNotVerified, InsufficientScope, InvalidToken, NotAuthenticated

router = APIRouter(prefix="/api/v1/books", tags=["books"])

_LOGIN = (NotAuthenticated, InvalidToken, InsufficientScope, EmailNotVerified)
_CREATING = (IsbnTaken, SkuTaken, UnknownAuthor, UnknownCategory, UnknownWork, DuplicateContributor)
_EDITING = (BookNotFound, NotYourItem, StaleVersion)


@router.get(
    "",
    summary="List books",
    response_model=Page[BookOut],
    dependencies=[Depends(limit_search)],
    responses=problems(InvalidCursor, RateLimited),
)
async def list_books(query: Annotated[BookFilter, Query()], pager: PagerDep, hot: HotDep) -> Response:
    """A page of books that meet every filter, by title unless `sort` says otherwise."""
    # Searches are too varied to keep, and each must be counted.
    answer = hot.answer if query.search is None else hot.answer_uncached
    return await answer(LISTS, lambda connection: BookCatalogue(connection).list(query, pager))


@router.get("/{book_id}", summary="Read a book", response_model=BookOut, responses=problems(BookNotFound))
async def get_book(book_id: RowId, hot: HotDep) -> Response:
    """A book with its contributors, categories and stock. Sends an ETag; understands If-None-Match."""
    return await hot.answer(item_group(book_id), _read(book_id))


@router.get(
    "/isbn/{isbn}",
    summary="Find a book by ISBN",
    response_model=BookOut,
    responses=problems(BookNotFound, InvalidIsbn),
)
async def get_book_by_isbn(isbn: str, hot: HotDep) -> Response:
    """The book with this ISBN-10 or ISBN-13 in any printed form."""
    return await hot.answer(LISTS, lambda connection: BookCatalogue(connection).get_by_isbn(isbn))


@router.post(
    "",
    status_code=201,
    summary="List a book for sale",
    response_model=BookOut,
    responses=problems(*_LOGIN, *_CREATING),
)
async def create_book(book: BookIn, seller: Seller, books: BookServiceDep, session: SessionDep) -> Response:
    """Add a book of one's own. Contributors given by name are found in the catalogue or added to it."""
    book_id = await books.create(seller, book)
    location = f"/api/v1/books/{book_id}"
    return await document_response(session, _read(book_id), status=201, location=location)


@router.put(
    "/{book_id}",
    summary="Replace a book",
    response_model=BookOut,
    responses=problems(*_LOGIN, *_EDITING, *_CREATING, StockReserved),
)
async def replace_book(
    book_id: RowId,
    book: BookIn,
    seller: Seller,
    precondition: PreconditionDep,
    books: BookServiceDep,
    session: SessionDep,
) -> Response:
    """Set every field; what is left out becomes empty. Its owner or a moderator may."""
    await books.replace(seller, book_id, precondition, book)
    return await document_response(session, _read(book_id))


@router.patch(
    "/{book_id}",
    summary="Change a book",
    response_model=BookOut,
    responses=problems(*_LOGIN, *_EDITING, *_CREATING, StockReserved),
)
async def change_book(
    book_id: RowId,
    patch: BookPatch,
    seller: Seller,
    precondition: PreconditionDep,
    books: BookServiceDep,
    session: SessionDep,
) -> Response:
    """Set only what is sent; null empties a field that may be empty. Its owner or a moderator may."""
    await books.change(seller, book_id, precondition, patch)
    return await document_response(session, _read(book_id))


@router.delete("/{book_id}", status_code=204, summary="Delete a book", responses=problems(*_LOGIN, *_EDITING))
async def delete_book(
    book_id: RowId, seller: Seller, precondition: PreconditionDep, books: BookServiceDep
) -> None:
    """Take a book out of the catalogue. Its owner or a moderator may."""
    await books.delete(seller, book_id, precondition)


def _read(book_id: int) -> Reading:
    return lambda connection: BookCatalogue(connection).get(book_id)
