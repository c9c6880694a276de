"""SQL of exports: every book that meets the filters, in batches by id."""

from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.catalog.books.fields import PLAIN_BOOK_FIELDS, PLAIN_ITEM_FIELDS, ExportedBook
from app.catalog.books.queries import CONTRIBUTORS, join_books
from app.catalog.goods.queries import AVAILABLE, CATEGORIES
from app.catalog.index.conditions import document_conditions, find_names
from app.catalog.index.criteria import BookCriteria
from app.catalog.models import Book, BookDocument, Item, Series
from app.catalog.partial_dates import format_partial_date
from app.core.db.queries import AnyRow

_COLUMNS = (
    Item.id,
    Book.isbn13,
    Item.currency,
    AVAILABLE.label("quantity"),
    Item.tags,
    Book.published_on,
    Book.published_precision,
    CONTRIBUTORS.label("contributors"),
    Series.name.label("series"),
    CATEGORIES.label("categories"),
    Book.subjects,
    *(getattr(Item, name) for name in PLAIN_ITEM_FIELDS),
    *(getattr(Book, name) for name in PLAIN_BOOK_FIELDS),
)


class Selection:
    """The books of one export: what the filters' names stand for is looked up once."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement

    async def batch(self, connection: AsyncConnection, after: int, size: int) -> list[ExportedBook]:
        """The next books after this id, at most `size`."""
        rows = await connection.execute(self._statement, {"after": after, "size": size})
        return [_exported(row) for row in rows]


async def select_books(
    connection: AsyncConnection, criteria: BookCriteria, *, is_whole: bool = False
) -> Selection:
    """Look up what the filters' names stand for, and prepare the statement; of the whole catalogue there are none."""
    if is_whole:
        # What is off sale has no document.
        book_id, conditions = Book.item_id, []
    else:
        names = await find_names(connection, criteria)
        book_id = BookDocument.book_id
        conditions = [one.clause for one in document_conditions(criteria, names)]
    ids = (
        select(book_id.label("book_id"))
        .where(book_id > bindparam("after"), *conditions)
        .order_by(book_id)
        .limit(bindparam("size"))
        .subquery("ids")
    )
    source = join_books(ids, ids.c.book_id)
    return Selection(select(*_COLUMNS).select_from(source).order_by(ids.c.book_id))


def _exported(row: AnyRow) -> ExportedBook:
    values = row._asdict()
    precision = values.pop("published_precision")
    published_on = format_partial_date(values["published_on"], precision) if precision else None
    return ExportedBook(
        **values
        | {
            "published_on": published_on,
            "contributors": [(one["name"], one["role"]) for one in row.contributors or ()],
            "categories": [one["slug"] for one in row.categories or ()],
        }
    )
