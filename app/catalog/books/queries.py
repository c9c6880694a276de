"""Reading and listing books: the columns of an answer, and what an answer shows beside its books."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Integer, SQLColumnExpression, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.authors.schemas import AuthorOut
from app.catalog.books.errors import InvalidIsbn, no_book, no_book_of_isbn
from app.catalog.books.fields import PLAIN_BOOK_FIELDS
from app.catalog.books.json_ld import linked_book
from app.catalog.books.representations import (
    WHOLE,
    BookView,
    EditionRef,
    ExpandedBook,
    Expansion,
    OwnExpandedBook,
    WorkRef,
)
from app.catalog.books.schemas import (
    BookFilter,
    BookOut,
    BookSort,
    OwnBook,
)
from app.catalog.goods.ownership import may_edit, may_see
from app.catalog.goods.queries import ITEM_COLUMNS, item_order, join_items, sum_versions
from app.catalog.goods.schemas import OwnersView
from app.catalog.index.conditions import by_authors, document_conditions, find_names, in_categories
from app.catalog.index.matching import list_meant_isbns, offer_isbns
from app.catalog.index.sampling import matching_books
from app.catalog.isbn import MistypedIsbn, parse_isbn, to_isbn10
from app.catalog.models import (
    Author,
    Book,
    BookCategory,
    BookDocument,
    Contributor,
    ContributorRole,
    Item,
    Series,
    StockLevel,
    Work,
)
from app.catalog.partial_dates import format_partial_date
from app.core.db.driver import DriverStatement
from app.core.db.paging import Found, Pager, Window
from app.core.db.queries import AnyRow, Counted, find_page, is_among, snapshot_text
from app.core.http.negotiation import JSON_LD
from app.core.http.responses import ReadResult, version_etag
from app.identity.principal import Principal

CONTRIBUTORS = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    "author_id",
                    Author.id,
                    "name",
                    Author.name,
                    "role",
                    Contributor.role,
                    "position",
                    Contributor.position,
                    "version",
                    Author.version,
                ),
                Contributor.position,
            ),
            type_=JSONB,
        )
    )
    .select_from(Contributor)
    .join(Author, Author.id == Contributor.author_id)
    .where(Contributor.book_id == Book.item_id)
    .scalar_subquery()
)
BOOK_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    *ITEM_COLUMNS,
    Book.isbn13,
    func.filed_title(Item.title, Book.language, Book.title_sort).label("title_sort"),
    *(getattr(Book, name) for name in PLAIN_BOOK_FIELDS if name != "title_sort"),
    Book.published_on,
    Book.published_precision,
    Book.series_id,
    Series.name.label("series"),
    func.coalesce(Series.version, 0).label("series_version"),
    CONTRIBUTORS.label("contributors"),
    Book.subjects,
    Book.work_id,
)
_BOOK = (
    select(*BOOK_COLUMNS, snapshot_text)
    .select_from(Book)
    .join(Item, Item.id == Book.item_id)
    .outerjoin(StockLevel, StockLevel.item_id == Item.id)
    .outerjoin(Series, Series.id == Book.series_id)
)
# Constants with bound parameters: a clause added per request would have SQLAlchemy build everything anew.
_BOOK_BY_ID = DriverStatement(_BOOK.where(Book.item_id == bindparam("book_id")))
_BOOK_BY_ISBN = DriverStatement(_BOOK.where(Book.isbn13 == bindparam("isbn13")))


def book_out(row: AnyRow) -> BookOut:
    """Make the answer of a row of `BOOK_COLUMNS`."""
    values = row._asdict()
    contributors = values["contributors"] or []
    isbn = values.pop("isbn13")
    precision = values["published_precision"]
    published_on = format_partial_date(values["published_on"], precision) if precision else None
    authors = [one["name"] for one in contributors if one["role"] == ContributorRole.AUTHOR]
    values |= {
        "isbn": isbn,
        "isbn10": to_isbn10(isbn) if isbn else None,
        "author": ", ".join(authors) or None,
        "contributors": contributors,
        "cover": next(iter(values["pictures"]), None),
        "published_on": published_on,
    }
    return BookOut.model_validate(values)


@dataclass(frozen=True, slots=True)
class ListScope:
    """The part of the catalogue that a list is of."""

    author_id: int | None = None
    category_id: int | None = None
    with_descendants: bool = True


EVERYWHERE = ListScope()
MOST_EDITIONS = 200
"""Of one work in one answer."""
FILED_TITLE = func.coalesce(BookDocument.title_filed, BookDocument.title_words, type_=Text)


async def get_book(
    connection: AsyncConnection, book_id: int, view: BookView = WHOLE, *, viewer: Principal | None = None
) -> ReadResult:
    """Read one book, as the view shows it to the viewer. Raises BookNotFound, also of one off sale that is not theirs."""
    row = await find_book(connection, book_id)
    if row is None or not may_see(viewer, row.owner_id, is_active=row.is_active):
        raise no_book(book_id)
    return await _present(connection, row, view, viewer)


async def get_book_by_isbn(
    connection: AsyncConnection, printed: str, view: BookView = WHOLE, *, viewer: Principal | None = None
) -> ReadResult:
    """Read the book with this ISBN in any printed form. Raises InvalidIsbn, BookNotFound."""
    try:
        isbn13 = parse_isbn(printed)
    except ValueError as reason:
        meant = await list_meant_isbns(connection, [reason]) if isinstance(reason, MistypedIsbn) else {}
        suggestions = [isbn for listed in meant.values() for isbn in listed]
        message = f"{reason}{offer_isbns(suggestions)}"
        about = InvalidIsbn.about("isbn", message)
        raise InvalidIsbn(f"{printed!r}: {message}.", errors=about, suggestions=suggestions) from None
    row = await _BOOK_BY_ISBN.one_or_none(connection, isbn13=isbn13)
    if row is None or not may_see(viewer, row.owner_id, is_active=row.is_active):
        raise no_book_of_isbn(isbn13)
    return await _present(connection, row, view, viewer)


async def list_books(
    connection: AsyncConnection,
    query: BookFilter,
    pager: Pager,
    scope: ListScope = EVERYWHERE,
    view: BookView = WHOLE,
) -> ReadResult:
    """Read one page of the books of the scope that meet the filters. Raises InvalidCursor."""
    window = pager.window(query)
    found = await find_books(connection, query, window, scope)
    books: Sequence[BookOut] = [book_out(row) for row in found.rows]
    if view.expand:
        books = await expand_books(connection, books, view.expand)
    page = pager.page(query, window, found, list(books))
    return ReadResult(page, found.snapshot, include=view.parts_of_page)


async def find_book(connection: AsyncConnection, book_id: int) -> AnyRow | None:
    """Find the book's answer columns and the snapshot they were read in."""
    return await _BOOK_BY_ID.one_or_none(connection, book_id=book_id)


async def find_books(
    connection: AsyncConnection, query: BookFilter, window: Window, scope: ListScope = EVERYWHERE
) -> Found[AnyRow]:
    """Find the answer columns of the books in the window, in the order that the query asks for."""
    names = await find_names(connection, query, is_of_part=scope.category_id is not None)
    conditions = [one.clause for one in document_conditions(query, names)]
    if scope.author_id is not None:
        conditions.append(by_authors([scope.author_id]))
    if scope.category_id is not None:
        conditions.append(_in_category(scope.category_id, with_descendants=scope.with_descendants))
    books = select(Item.id).join(BookDocument, BookDocument.book_id == Item.id)
    if BookSort.NEWEST in query.sort:
        books = books.join(Book, Book.item_id == Item.id)
    counted = [BookDocument.sample, BookDocument.book_id]
    matched = matching_books("found", counted, conditions, names.frame_end)
    few = books.where(is_among(BookDocument.book_id, matched.rows.c.book_id))
    matching = Counted(books.where(*conditions), matched.counted(), few)
    # Titles as they are filed, in their documents' index.
    is_by_title = query.sort[0].removeprefix("-") == BookSort.TITLE
    book_id = BookDocument.book_id if is_by_title else Item.id
    order = item_order(query.sort, {"title": FILED_TITLE}, book_id)
    found = await find_page(connection, matching, order, window, BOOK_COLUMNS, join_books)
    # The older snapshot of the two: were a name changed in between, the list must not be kept.
    return replace(found, snapshot=names.snapshot or found.snapshot)


async def expand_books(
    connection: AsyncConnection, books: Sequence[BookOut], expand: Collection[Expansion]
) -> list[ExpandedBook]:
    """Fill in what is to be shown in full: a statement for each expansion, however many books there are."""
    expanded = [ExpandedBook.model_validate(book.model_dump()) for book in books]
    if Expansion.WORK in expand or Expansion.EDITIONS in expand:
        await _add_works(connection, expanded, with_editions=Expansion.EDITIONS in expand)
    if Expansion.AUTHORS in expand:
        await _add_authors(connection, expanded)
    return expanded


def join_books(source: FromClause, item_id: ColumnElement[int]) -> FromClause:
    """The tables of `BOOK_COLUMNS`."""
    return (
        join_items(source, item_id)
        .outerjoin(Book, Book.item_id == Item.id)
        .outerjoin(Series, Series.id == Book.series_id)
    )


async def _present(
    connection: AsyncConnection, row: AnyRow, view: BookView, viewer: Principal | None
) -> ReadResult:
    book = book_out(row)
    if view.shop is not None:
        linked = linked_book(book, view.shop)
        return ReadResult(linked, row.snapshot, version=book.version, media_type=JSON_LD)
    own = {}
    if viewer is not None and may_edit(viewer, book.owner_id):
        own = OwnersView.model_validate(row).model_dump()
    if view.fields is None and not view.expand:
        # Names of authors, categories and series show in the answer: a rename must change the tag, but stop no
        # editor. The sum only rises while the book's version stands: merges and their undo raise the others.
        named = sum_versions(row.contributors) + sum_versions(row.categories)
        named += row.series_version + own.get("views", 0)
        tag = version_etag(book.version, row.stock_version, named)
        shown = OwnBook(**dict(book), **own) if own else book
        return ReadResult(shown, row.snapshot, tag, owner_id=book.owner_id)
    if view.expand:
        [book] = await expand_books(connection, [book], view.expand)
    shown = OwnExpandedBook.model_validate(book.model_dump() | own) if own else book
    return ReadResult(shown, row.snapshot, version=book.version, include=view.parts, owner_id=book.owner_id)


def _in_category(category_id: int, *, with_descendants: bool) -> ColumnElement[bool]:
    """Books of the category and, unless told otherwise, of its descendants."""
    if with_descendants:
        return in_categories([category_id])
    return (
        select(BookCategory.book_id)
        .where(BookCategory.book_id == BookDocument.book_id, BookCategory.category_id == category_id)
        .exists()
    )


async def _add_works(
    connection: AsyncConnection, books: Sequence[ExpandedBook], *, with_editions: bool
) -> None:
    ids = {book.work_id for book in books}
    rows = await connection.execute(select(Work.id, Work.title).where(Work.id.in_(ids)))
    works = {row.id: WorkRef.model_validate(row) for row in rows}
    if with_editions:
        editions: dict[int, list[EditionRef]] = defaultdict(list)
        wanted = {"work_ids": list(ids), "most": MOST_EDITIONS}
        for row in await connection.execute(_EDITIONS, wanted):
            editions[row.work_id].append(EditionRef.model_validate(row))
        for work in works.values():
            work.editions = editions[work.id]
    for book in books:
        book.work = works.get(book.work_id)


async def _add_authors(connection: AsyncConnection, books: Sequence[ExpandedBook]) -> None:
    ids = {one.author_id for book in books for one in book.contributors}
    columns = (Author.id, Author.name, Author.sort_name, Author.aliases, Author.version)
    statement = select(*columns, Author.created_at, Author.updated_at).where(Author.id.in_(ids))
    authors = {row.id: AuthorOut.model_validate(row) for row in await connection.execute(statement)}
    for book in books:
        for contributor in book.contributors:
            contributor.author = authors.get(contributor.author_id)


_NUMBERED = (
    select(
        Book.work_id,
        Item.id,
        Book.isbn13.label("isbn"),
        Item.title,
        Book.format,
        Book.language,
        Book.year,
        Item.price,
        Item.currency,
        func.row_number()
        .over(partition_by=Book.work_id, order_by=(Book.year.nulls_last(), Item.id))
        .label("place"),
    )
    .join(Item, Item.id == Book.item_id)
    .where(Book.work_id.in_(bindparam("work_ids", expanding=True)), Item.is_active)
    .subquery("numbered")
)
_EDITIONS = (
    select(_NUMBERED)
    .where(_NUMBERED.c.place <= bindparam("most", type_=Integer))
    .order_by(_NUMBERED.c.work_id, _NUMBERED.c.place)
)
"""The editions of works that are on sale, so many of each, the oldest first."""
