"""SQL of books, their contributors and series."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    SQLColumnExpression,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.books.fields import PLAIN_BOOK_FIELDS
from app.catalog.books.schemas import BookFilter
from app.catalog.goods.queries import ITEM_COLUMNS, join_items
from app.catalog.index.conditions import by_authors, document_conditions, find_names, in_categories
from app.catalog.index.sampling import matching_books
from app.catalog.models import (
    Author,
    Book,
    BookCategory,
    BookDocument,
    Category,
    Contributor,
    Item,
    Series,
    StockLevel,
)
from app.core.db.driver import DriverStatement
from app.core.db.paging import Found, Window
from app.core.db.queries import AnyRow, Sampled, find_page, snapshot_text
from app.core.db.sorting import Order

CONTRIBUTORS = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    *("author_id", Author.id, "name", Author.name),
                    *("role", Contributor.role, "position", Contributor.position),
                    *("version", Author.version),
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
CATEGORIES = (
    select(
        func.jsonb_agg(
            aggregate_order_by(
                func.jsonb_build_object(
                    *("id", Category.id, "name", Category.name, "slug", Category.slug),
                    *("version", Category.version),
                ),
                Category.path,
            ),
            type_=JSONB,
        )
    )
    .select_from(BookCategory)
    .join(Category, Category.id == BookCategory.category_id)
    .where(BookCategory.book_id == Book.item_id)
    .scalar_subquery()
)
BOOK_COLUMNS: Sequence[SQLColumnExpression[Any]] = (
    *ITEM_COLUMNS,
    Book.isbn13,
    *(getattr(Book, name) for name in PLAIN_BOOK_FIELDS),
    Book.published_on,
    Book.published_precision,
    Book.series_id,
    Series.name.label("series"),
    func.coalesce(Series.version, 0).label("series_version"),
    CONTRIBUTORS.label("contributors"),
    CATEGORIES.label("categories"),
    Book.subjects,
    Book.work_id,
    Book.cover,
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


@dataclass(frozen=True, slots=True)
class ListScope:
    """The part of the catalogue that a list is of."""

    author_id: int | None = None
    category_id: int | None = None
    with_descendants: bool = True


EVERYWHERE = ListScope()


class BookRepository:
    """Books of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, book: Book) -> None:
        """Insert the book; a taken ISBN is refused at once."""
        self._session.add(book)
        # Contributors and categories refer to the row.
        await self._session.flush()

    async def exists(self, item_id: int) -> bool:
        """Tell whether the item is a book."""
        return bool(await self._session.scalar(select(exists().where(Book.item_id == item_id))))

    async def get(self, item_id: int) -> Book:
        """Read the book of a locked item, as it is now that it is locked."""
        return await self._session.get_one(Book, item_id, populate_existing=True)

    async def show(self, item_id: int) -> AnyRow | None:
        """As `find_book`, as far as this transaction has written."""
        return await find_book(await self._session.connection(), item_id)

    async def flush(self) -> None:
        """Write what is pending, so that the answer reads what the database made of it."""
        await self._session.flush()

    async def set_contributors(self, book_id: int, contributors: Iterable[tuple[int, str]]) -> None:
        """Replace the contributors by these (author id, role) in order."""
        await self._session.execute(delete(Contributor).where(Contributor.book_id == book_id))
        rows = [
            {"book_id": book_id, "position": position, "author_id": author_id, "role": role}
            for position, (author_id, role) in enumerate(contributors, start=1)
        ]
        if rows:
            await self._session.execute(insert(Contributor), rows)

    async def set_categories(self, book_id: int, category_ids: Iterable[int]) -> None:
        """Replace the categories."""
        await self._session.execute(delete(BookCategory).where(BookCategory.book_id == book_id))
        rows = [{"book_id": book_id, "category_id": one} for one in sorted(set(category_ids))]
        if rows:
            await self._session.execute(insert(BookCategory), rows)

    async def series_id(self, name: str) -> int:
        """The series of this name, made if there is none; case and accents do not count.

        Held until the commit: nobody deletes it for being empty meanwhile.
        """
        named = select(Series.id).where(Series.name_folded == func.fold(name))
        held = named.with_for_update(read=True, key_share=True)
        found = None
        while found is None:
            await self._session.execute(upsert(Series).values(name=name).on_conflict_do_nothing())
            found = await self._session.scalar(held)
        return found


async def find_book(connection: AsyncConnection, book_id: int) -> AnyRow | None:
    """The book's answer columns and the snapshot they were read in."""
    return await _BOOK_BY_ID.one_or_none(connection, book_id=book_id)


async def find_book_by_isbn(connection: AsyncConnection, isbn13: str) -> AnyRow | None:
    """As `find_book`, by ISBN-13."""
    return await _BOOK_BY_ISBN.one_or_none(connection, isbn13=isbn13)


async def list_books(
    connection: AsyncConnection,
    query: BookFilter,
    order: Order,
    window: Window,
    within: ListScope = EVERYWHERE,
) -> Found[AnyRow]:
    """One page of books that meet the filters."""
    names = await find_names(connection, query)
    conditions = [one.clause for one in document_conditions(query, names)]
    if within.author_id is not None:
        conditions.append(by_authors([within.author_id]))
    if within.category_id is not None:
        conditions.append(_in_category(within.category_id, with_descendants=within.with_descendants))
    ids = select(Item.id).join(BookDocument, BookDocument.book_id == Item.id).where(*conditions)
    counted = matching_books("found", [BookDocument.sample], conditions, names.frame_end).counted()
    found = await find_page(connection, Sampled(ids, counted), order, window, BOOK_COLUMNS, join_books)
    # The older snapshot of the two: were a name changed in between, the list must not be kept.
    return replace(found, snapshot=names.snapshot or found.snapshot)


def _in_category(category_id: int, *, with_descendants: bool) -> ColumnElement[bool]:
    """Books of the category and, unless told otherwise, of its descendants."""
    if with_descendants:
        return in_categories([category_id])
    return (
        select(BookCategory.book_id)
        .where(BookCategory.book_id == BookDocument.book_id, BookCategory.category_id == category_id)
        .exists()
    )


def join_books(source: FromClause, item_id: ColumnElement[int]) -> FromClause:
    """The tables of `BOOK_COLUMNS`."""
    return (
        join_items(source, item_id)
        .outerjoin(Book, Book.item_id == Item.id)
        .outerjoin(Series, Series.id == Book.series_id)
    )
