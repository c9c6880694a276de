"""Puts beside books what a client asked to see in full."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.authors.schemas import AuthorOut
from app.catalog.books.queries import list_authors, list_editions, list_works
from app.catalog.books.schemas import BookOut
from app.catalog.books.views import (
    BookListQuery,
    BookView,
    EditionRef,
    ExpandedBook,
    Expansion,
    WorkRef,
    linked_book,
)
from app.core.db.paging import Page
from app.core.http.negotiation import JSON_LD
from app.core.http.responses import ReadQuery, ReadResult


def present_linked(read: ReadQuery, shop: str) -> ReadQuery:
    """The book that `read` finds as JSON-LD of the shop at this public address."""

    async def present(connection: AsyncConnection) -> ReadResult:
        found = await read(connection)
        book = BookOut.model_validate(found.model)
        linked = linked_book(book, shop)
        return ReadResult(linked, found.snapshot, version=book.version, media_type=JSON_LD)

    return present


def present_book(read: ReadQuery, view: BookView) -> ReadQuery:
    """As much of the book that `read` finds as the view shows."""
    if view.fields is None and not view.expand:
        return read

    async def present(connection: AsyncConnection) -> ReadResult:
        found = await read(connection)
        book = BookOut.model_validate(found.model)
        if view.expand:
            [book] = await expand_books(connection, [book], view.expand)
        return ReadResult(book, found.snapshot, version=book.version, include=view.include)

    return present


def present_page(read: ReadQuery, query: BookListQuery) -> ReadQuery:
    """As much of the books of the page that `read` finds as the query asks for."""
    if query.fields is None and not query.expand:
        return read

    async def present(connection: AsyncConnection) -> ReadResult:
        found = await read(connection)
        page: Page[BookOut] = Page.model_validate(found.model)
        if query.expand:
            page.items = list(await expand_books(connection, page.items, query.expand))
        return ReadResult(page, found.snapshot, include=query.include)

    return present


async def expand_books(
    connection: AsyncConnection, books: Sequence[BookOut], expand: Collection[Expansion]
) -> list[ExpandedBook]:
    """The books with each expansion filled in: a statement for each, however many books there are."""
    expanded = [ExpandedBook.model_validate(book.model_dump()) for book in books]
    if Expansion.WORK in expand or Expansion.EDITIONS in expand:
        await _add_works(connection, expanded, with_editions=Expansion.EDITIONS in expand)
    if Expansion.AUTHORS in expand:
        await _add_authors(connection, expanded)
    return expanded


async def _add_works(
    connection: AsyncConnection, books: Sequence[ExpandedBook], *, with_editions: bool
) -> None:
    ids = {book.work_id for book in books}
    works = {row.id: WorkRef.model_validate(row) for row in await list_works(connection, ids)}
    if with_editions:
        editions: dict[int, list[EditionRef]] = defaultdict(list)
        for row in await list_editions(connection, ids):
            editions[row.work_id].append(EditionRef.model_validate(row))
        for work in works.values():
            work.editions = editions[work.id]
    for book in books:
        book.work = works.get(book.work_id)


async def _add_authors(connection: AsyncConnection, books: Sequence[ExpandedBook]) -> None:
    ids = {one.author_id for book in books for one in book.contributors}
    authors = {row.id: AuthorOut.model_validate(row) for row in await list_authors(connection, ids)}
    for book in books:
        for contributor in book.contributors:
            contributor.author = authors.get(contributor.author_id)
