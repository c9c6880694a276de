"""SQL of books, their contributors and series."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    SQLColumnExpression,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.catalog.books.schemas import BookFilter
from app.catalog.isbn import parse_isbn
from app.catalog.items.repository import ITEM_COLUMNS, goods_conditions, join_items
from app.catalog.models import Author, Book, BookCategory, Category, Contributor, Item, Series, StockLevel
from app.core.db import snapshot_text
from app.core.paging import Found, Window
from app.core.repository import AnyRow, contains_folded, find_page
from app.core.sorting import Order

_CONTRIBUTORS = (
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
_CATEGORIES = (
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
    Book.subtitle,
    Book.publisher,
    Book.published_on,
    Book.published_precision,
    Book.first_published,
    Book.language,
    Book.format,
    Book.pages,
    Series.name.label("series"),
    Book.series_position,
    _CONTRIBUTORS.label("contributors"),
    _CATEGORIES.label("categories"),
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
_BOOK_BY_ID = _BOOK.where(Book.item_id == bindparam("book_id"))
_BOOK_BY_ISBN = _BOOK.where(Book.isbn13 == bindparam("isbn13"))


@dataclass(frozen=True, slots=True)
class Within:
    """The part of the catalogue that a list is of."""

    author_id: int | None = None
    category_path: str | None = None
    with_descendants: bool = True


EVERYWHERE = Within()


class BookRepository:
    """Books of one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, book: Book) -> None:
        """Insert the book; a taken ISBN is refused at once."""
        self._session.add(book)
        # Contributors and categories refer to the row.
        await self._session.flush()

    async def find(self, item_id: int) -> Book | None:
        """The book of a locked item."""
        return await self._session.get(Book, item_id)

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
        """The series of this name, made if there is none; case and accents do not count."""
        await self._session.execute(upsert(Series).values(name=name).on_conflict_do_nothing())
        found = await self._session.scalars(select(Series.id).where(Series.name_folded == func.fold(name)))
        return found.one()


async def find_book(connection: AsyncConnection, book_id: int) -> AnyRow | None:
    """The book's answer columns and the snapshot they were read in."""
    return (await connection.execute(_BOOK_BY_ID, {"book_id": book_id})).one_or_none()


async def find_book_by_isbn(connection: AsyncConnection, isbn13: str) -> AnyRow | None:
    """As `find_book`, by ISBN-13."""
    return (await connection.execute(_BOOK_BY_ISBN, {"isbn13": isbn13})).one_or_none()


async def list_books(
    connection: AsyncConnection,
    query: BookFilter,
    order: Order,
    window: Window,
    within: Within = EVERYWHERE,
) -> Found[AnyRow]:
    """One page of books that meet the filters."""
    conditions = [*goods_conditions(query), *_book_conditions(query)]
    if within.author_id is not None:
        conditions.append(_by_author(within.author_id))
    if within.category_path is not None:
        conditions.append(_in_category(within.category_path, with_descendants=within.with_descendants))
    matching = select(Item.id).join(Book, Book.item_id == Item.id).where(*conditions)
    return await find_page(connection, matching, order, window, BOOK_COLUMNS, _join_books)


def _by_author(author_id: int) -> ColumnElement[bool]:
    """Books that the author contributed to."""
    return (
        select(Contributor.book_id)
        .where(Contributor.book_id == Book.item_id, Contributor.author_id == author_id)
        .exists()
    )


def _in_category(path: ColumnElement[str] | str, *, with_descendants: bool = True) -> ColumnElement[bool]:
    """Books of the category with this path and, unless told otherwise, of its descendants."""
    below = Category.path == path
    if with_descendants:
        below = or_(below, Category.path.like(func.concat(path, "/%")))
    return (
        select(BookCategory.book_id)
        .join(Category, Category.id == BookCategory.category_id)
        .where(BookCategory.book_id == Book.item_id, below)
        .exists()
    )


def _join_books(source: FromClause, item_id: ColumnElement[int]) -> FromClause:
    return (
        join_items(source, item_id)
        .outerjoin(Book, Book.item_id == Item.id)
        .outerjoin(Series, Series.id == Book.series_id)
    )


def _book_conditions(query: BookFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if query.search is not None:
        conditions.append(_matches_search(query.search))
    if query.author is not None:
        conditions.append(_has_contributor(query.author))
    if query.language is not None:
        conditions.append(or_(Book.language == query.language, Book.language.like(f"{query.language}-%")))
    if query.format is not None:
        conditions.append(Book.format == query.format)
    if query.series is not None:
        named = select(Series.id).where(Series.name_folded == func.fold(query.series)).scalar_subquery()
        conditions.append(Book.series_id == named)
    if query.category is not None:
        conditions.append(_in_category(_category_path(query.category)))
    if query.min_year is not None:
        conditions.append(Book.year >= query.min_year)
    if query.max_year is not None:
        conditions.append(Book.year <= query.max_year)
    return conditions


def _matches_search(text: str) -> ColumnElement[bool]:
    alternatives: list[ColumnElement[bool]] = [
        contains_folded(Item.title_folded, text),
        _has_contributor(text),
    ]
    with suppress(ValueError):
        alternatives.append(Book.isbn13 == parse_isbn(text))
    return or_(*alternatives)


def _has_contributor(name: str) -> ColumnElement[bool]:
    return (
        select(Contributor.book_id)
        .join(Author, Author.id == Contributor.author_id)
        .where(Contributor.book_id == Book.item_id, contains_folded(Author.names_folded, name))
        .exists()
    )


def _category_path(slug_or_id: str) -> ColumnElement[str]:
    is_id = slug_or_id.isascii() and slug_or_id.isdigit() and len(slug_or_id) < 19  # noqa: PLR2004 (digits of bigint)
    wanted = Category.id == int(slug_or_id) if is_id else Category.slug == slug_or_id
    return select(Category.path).where(wanted).correlate(None).scalar_subquery()
