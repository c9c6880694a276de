"""SQL of related books: candidates of each kind through an index, then one edition of each work."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, bindparam, func, literal, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.errors import no_book
from app.catalog.books.queries import BOOK_COLUMNS, book_out, join_books
from app.catalog.models import Book, BookCategory, BookDocument, BoughtTogether, Contributor
from app.catalog.search.related.schemas import RelatedBook, RelatedBooks, RelatedReason
from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult

REASONS = tuple(RelatedReason)
"""Why a book is related, the closest first: its place here is what SQL sorts by."""

_CANDIDATES = 100
"""Of each kind; more than enough, though some are editions of one work."""
_BOOK_ID = bindparam("book_id", type_=BigInteger)
_WORK_ID = bindparam("work_id", type_=BigInteger)
_AUTHORS = bindparam("author_ids", type_=ARRAY(BigInteger))
_CATEGORIES = bindparam("category_ids", type_=ARRAY(BigInteger))

_BOOK = (
    select(
        Book.work_id,
        Book.series_id,
        func.array(
            select(Contributor.author_id)
            .where(Contributor.book_id == Book.item_id, Contributor.role == "author")
            .scalar_subquery()
        ).label("author_ids"),
        func.array(
            select(BookCategory.category_id).where(BookCategory.book_id == Book.item_id).scalar_subquery()
        ).label("category_ids"),
        snapshot_text,
    )
    .join(BookDocument, BookDocument.book_id == Book.item_id)
    .where(Book.item_id == _BOOK_ID)
)


async def list_related(connection: AsyncConnection, book_id: int, limit: int) -> ReadResult:
    """Books bought with it, of its series in order, by its authors, of its categories; one edition of each other work.

    Raises BookNotFound.
    """
    # The older snapshot of the two: were the book changed in between, the answer must not be kept.
    book = (await connection.execute(_BOOK, {"book_id": book_id})).one_or_none()
    if book is None:
        raise no_book(book_id)
    values = {
        "book_id": book_id,
        "work_id": book.work_id,
        "series_id": book.series_id,
        "author_ids": book.author_ids,
        "category_ids": book.category_ids,
        "most": limit,
    }
    rows = (await connection.execute(_RELATED, values)).all()
    items = [RelatedBook(**book_out(row).model_dump(), reason=REASONS[row.reason]) for row in rows]
    return ReadResult(RelatedBooks(items=items), book.snapshot)


def _candidates(reason: RelatedReason, chosen: Any) -> Any:
    """The chosen (book id, place) of one kind."""
    books = chosen.limit(_CANDIDATES).subquery()
    return select(books.c.book_id, literal(REASONS.index(reason)).label("reason"), books.c.place)


def _bought_together() -> Any:
    place = func.row_number().over(order_by=(BoughtTogether.orders.desc(), BoughtTogether.other_id))
    books = select(BoughtTogether.other_id.label("book_id"), place.label("place"))
    return books.where(BoughtTogether.item_id == _BOOK_ID).order_by(place)


def _same_series() -> Any:
    place = func.row_number().over(order_by=(Book.series_order.asc().nulls_last(), Book.item_id))
    books = select(Book.item_id.label("book_id"), place.label("place"), Book.work_id)
    return books.where(Book.series_id == bindparam("series_id", type_=BigInteger)).order_by(place)


def _same_author() -> Any:
    """What can be bought comes first."""
    order = (BookDocument.in_stock.desc(), BookDocument.rating.desc().nulls_last(), BookDocument.book_id)
    place = func.row_number().over(order_by=order)
    return (
        select(BookDocument.book_id, place.label("place"))
        .where(BookDocument.author_ids.overlap(_AUTHORS))
        .order_by(place)
    )


def _same_category(is_neighbour: ColumnElement[bool], order: Any) -> Any:
    """Of thousands in a category those listed before and after the book, so that each book has others."""
    category = func.unnest(_CATEGORIES).table_valued("id").render_derived(name="category")
    distance = func.abs(BookCategory.book_id - _BOOK_ID)
    neighbours = (
        select(BookCategory.book_id, distance.label("place"))
        # Items of other kinds stand there too, and what is off sale has no document.
        .join(BookDocument, BookDocument.book_id == BookCategory.book_id)
        .where(BookCategory.category_id == category.c.id, is_neighbour)
        .order_by(order)
        .limit(_CANDIDATES)
        .lateral()
    )
    return (
        select(neighbours.c.book_id, neighbours.c.place)
        .select_from(category.join(neighbours, true()))
        .order_by(neighbours.c.place)
    )


def _related() -> Any:
    candidates = union_all(
        _candidates(RelatedReason.BOUGHT_TOGETHER, _bought_together()),
        _candidates(RelatedReason.SERIES, _same_series()),
        _candidates(RelatedReason.AUTHOR, _same_author()),
        _candidates(
            RelatedReason.CATEGORY, _same_category(BookCategory.book_id > _BOOK_ID, BookCategory.book_id)
        ),
        _candidates(
            RelatedReason.CATEGORY,
            _same_category(BookCategory.book_id < _BOOK_ID, BookCategory.book_id.desc()),
        ),
    ).subquery("candidates")
    closest = (
        select(Book.work_id, candidates.c.book_id, candidates.c.reason, candidates.c.place)
        .join(candidates, candidates.c.book_id == Book.item_id)
        # What is off sale has no document.
        .join(BookDocument, BookDocument.book_id == Book.item_id)
        .where(Book.work_id != _WORK_ID)
        .ext(distinct_on(Book.work_id))
        .order_by(Book.work_id, candidates.c.reason, candidates.c.place, candidates.c.book_id)
        .subquery("closest")
    )
    order = (closest.c.reason, closest.c.place, closest.c.book_id)
    shown = (
        select(closest.c.book_id, closest.c.reason, closest.c.place)
        .order_by(*order)
        .limit(bindparam("most", type_=Integer))
        .subquery("shown")
    )
    return (
        select(*BOOK_COLUMNS, shown.c.reason)
        .select_from(join_books(shown, shown.c.book_id))
        .order_by(shown.c.reason, shown.c.place, shown.c.book_id)
    )


_RELATED = _related()
