"""Reads of books below an author, a series or a category, and of a work with its editions.

Each looks for what the list belongs to first, and answers with the snapshot of that: were it deleted or
moved in between, the list must not be kept.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, Integer, Select, SQLColumnExpression, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import aliased

from app.catalog.authors.queries import get_author
from app.catalog.books.listings.schemas import CategoryBookFilter, SeriesBooksQuery, WorkDetail
from app.catalog.books.queries import (
    BOOK_COLUMNS,
    MOST_EDITIONS,
    ListScope,
    book_out,
    join_books,
    list_books,
)
from app.catalog.books.schemas import BookFilter
from app.catalog.canonical import find_canonical
from app.catalog.categories.queries import find_category
from app.catalog.models import Book, BookDocument, Item, Work
from app.catalog.series.queries import get_series
from app.catalog.works.errors import merged_work, no_work
from app.catalog.works.queries import WORK_COLUMNS, join_author
from app.catalog.works.schemas import WorkOut
from app.core.db.paging import Pager
from app.core.db.queries import find_page, snapshot_text
from app.core.db.sorting import Order
from app.core.http.responses import ReadResult, answer_number, version_etag

_AFTER_ALL_NUMBERS = Decimal(9_999_999)
_POSITIONS: Mapping[str, SQLColumnExpression[Any]] = {
    "order": func.coalesce(Book.series_order, _AFTER_ALL_NUMBERS),
    "position": func.coalesce(Book.series_position.collate("C"), ""),
}

_printed = aliased(Book)
_PRINTED_ID = cast("ColumnElement[int]", _printed.item_id)
# What is off sale has no document.
_is_on_sale = select(BookDocument.book_id).where(BookDocument.book_id == _printed.item_id).exists()
_WORK_ALONE = join_author(Work.__table__)
_WORK: Select[*tuple[Any, ...]] = (
    select(
        *(column.label(f"work_{name}") for name, column in WORK_COLUMNS.items()), snapshot_text, *BOOK_COLUMNS
    )
    .select_from(
        join_books(_WORK_ALONE.outerjoin(_printed, _is_on_sale & (_printed.work_id == Work.id)), _PRINTED_ID)
    )
    .where(Work.id == bindparam("work"))
    .order_by(_printed.year, _printed.format, _printed.item_id)
    .limit(bindparam("most", type_=Integer))
)
"""A work with its editions on sale: a row each, or one without `id` when there are none. Its own columns begin with `work_`."""


async def list_author_books(
    connection: AsyncConnection, author_id: int, query: BookFilter, pager: Pager
) -> ReadResult:
    """Read one page of the books that the author contributed to.

    Raises AuthorNotFound, AuthorMerged, InvalidCursor.
    """
    author = await get_author(connection, author_id)
    books = await list_books(connection, query, pager, ListScope(author_id=author_id))
    return replace(books, snapshot=author.snapshot)


async def list_series_books(
    connection: AsyncConnection, series_id: int, query: SeriesBooksQuery, pager: Pager
) -> ReadResult:
    """Read one page of the books of a series: by number, those without one last.

    Raises SeriesNotFound, InvalidCursor.
    """
    window = pager.window(query)
    series = await get_series(connection, series_id)
    matching = select(Item.id).join(Book, Book.item_id == Item.id)
    matching = matching.where(Book.series_id == series_id, Item.is_active)
    order = Order.by(["order", "position"], _POSITIONS, Item.id)
    found = await find_page(connection, matching, order, window, BOOK_COLUMNS, join_books)
    page = pager.page(query, window, found, [book_out(row) for row in found.rows])
    return ReadResult(page, series.snapshot)


async def list_category_books(
    connection: AsyncConnection, key: str, query: CategoryBookFilter, pager: Pager
) -> ReadResult:
    """Read one page of the books of a category. Raises CategoryNotFound, InvalidCursor."""
    category = await find_category(connection, key)
    scope = ListScope(category_id=category.id, with_descendants=query.include_descendants)
    books = await list_books(connection, query, pager, scope)
    return replace(books, snapshot=category.snapshot)


async def get_work(connection: AsyncConnection, work_id: int) -> ReadResult:
    """Read one work with its editions. Raises WorkNotFound, WorkMerged."""
    rows = (await connection.execute(_WORK, {"work": work_id, "most": MOST_EDITIONS})).all()
    if not rows:
        raise no_work(work_id)
    first = rows[0]
    if first.work_merged_into_id is not None:
        raise merged_work(work_id, await find_canonical(connection, Work, work_id))
    shown = {name: getattr(first, f"work_{name}") for name in WorkOut.model_fields}
    editions = [book_out(row) for row in rows if row.id is not None]
    work = WorkDetail(**shown, editions=editions)
    # Editions change without a new version of the work.
    return ReadResult(work, first.snapshot, version_etag(work.version, answer_number(work)))
