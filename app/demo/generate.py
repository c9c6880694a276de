"""Loads invented books by COPY, ten thousand at a time, into a database that has the demo in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.catalog.authors.names import sort_name
from app.catalog.models import Author, Book, Category, Item, Series, Work
from app.core.cache.hot import EVERYTHING, invalidate
from app.core.settings.settings import Settings
from app.demo.accounts import SELLER
from app.demo.invention import ISBN_PREFIX, MOST, InventedBook, Invention
from app.demo.loader import (
    DemoRefused,
    Report,
    analyze,
    copy_tables,
    lock_for_loading,
    refuse_in_production,
    reserve,
)
from app.demo.tables import Row, Table
from app.identity.models import User

BATCH = 10_000
_DEFER = text("SET LOCAL bookstore.defer_documents = 'on'")
_REFRESH = text("SELECT refresh_book_documents(:ids)").bindparams(bindparam("ids"))

Numbered = tuple[InventedBook, int, int]
"""A book with the ids of its item and its work."""
T = TypeVar("T")

_BOOK_COLUMNS = (
    "item_id work_id isbn13 subtitle first_published language format pages"
    " series_id series_position series_order"
)


@dataclass(frozen=True, slots=True)
class Shelves:
    """What the invented books refer to, by the invention's places."""

    seller: int
    currency: str
    authors: Sequence[int]
    series: Sequence[int]
    categories: Sequence[int]

    def tables(self, books: Sequence[InventedBook], ids: Sequence[int], works: Sequence[int]) -> list[Table]:
        """The rows of these books, each a work of its own, in the order in which foreign keys let them in."""
        numbered = list(zip(books, ids, works, strict=True))
        shelved = [(id_, self.categories[book.category]) for book, id_, _ in numbered]
        return [
            self._items(numbered),
            Table("works", "id title author_id", [self._work(book, work) for book, _, work in numbered]),
            Table("books", _BOOK_COLUMNS, [self._book(*one) for one in numbered]),
            self._contributors(numbered),
            Table("book_categories", "book_id category_id", shelved),
            Table("stock_levels", "item_id on_hand", [(id_, book.stock) for book, id_, _ in numbered]),
            self._movements(numbered),
        ]

    def _items(self, numbered: Sequence[Numbered]) -> Table:
        rows = [
            (id_, "book", book.title, book.description, book.price, self.currency, self.seller)
            for book, id_, _ in numbered
        ]
        return Table("items", "id kind title description price currency owner_id", rows)

    def _contributors(self, numbered: Sequence[Numbered]) -> Table:
        rows = [
            (id_, position, self.authors[author], "author")
            for book, id_, _ in numbered
            for position, author in enumerate(book.authors, start=1)
        ]
        return Table("contributors", "book_id position author_id role", rows)

    def _movements(self, numbered: Sequence[Numbered]) -> Table:
        rows = [
            (id_, book.stock, book.stock, "initial", self.seller) for book, id_, _ in numbered if book.stock
        ]
        return Table("stock_movements", "item_id delta balance_after kind actor_id", rows)

    def _work(self, book: InventedBook, work: int) -> Row:
        return work, book.title, self.authors[book.authors[0]]

    def _book(self, book: InventedBook, id_: int, work: int) -> Row:
        position = book.series_position
        return (
            id_,
            work,
            book.isbn13,
            book.subtitle,
            book.year,
            book.language,
            book.format,
            book.pages,
            None if book.series is None else self.series[book.series],
            None if position is None else str(position),
            position,
        )


async def generate_books(session: AsyncSession, settings: Settings, count: int, report: Report) -> None:
    """Add `count` invented books, sold by the demo's seller; unseen until the commit. DemoRefused."""
    refuse_in_production(settings)
    await lock_for_loading(session)
    seller = await session.scalar(select(User.id).where(User.username == SELLER.username))
    categories = list(await session.scalars(select(Category.id).order_by(Category.id)))
    if seller is None or not categories:
        raise DemoRefused("the demo is not there yet: run `bookstore demo` first.")
    invention = Invention(count, await _next_number(session, count), len(categories))
    authors = await reserve(session, Author, len(invention.authors))
    series = await reserve(session, Series, len(invention.series))
    names = zip(authors, invention.authors, strict=True)
    tables = [
        Table("authors", "id name sort_name", [(id_, name, sort_name(name)) for id_, name in names]),
        Table("series", "id name", list(zip(series, invention.series, strict=True))),
    ]
    await session.execute(_DEFER)
    await copy_tables(session, tables, _silent)
    shelves = Shelves(seller, settings.currency, authors, series, categories)
    await _fill(session, shelves, invention, report)
    await analyze(session, [*tables, *shelves.tables([], [], [])])
    invalidate(session, EVERYTHING)


async def _fill(session: AsyncSession, shelves: Shelves, invention: Invention, report: Report) -> None:
    done = 0
    for books in _batches(invention.books()):
        report("books", done, invention.count)
        ids = await reserve(session, Item, len(books))
        works = await reserve(session, Work, len(books))
        await copy_tables(session, shelves.tables(books, ids, works), _silent)
        await session.execute(_REFRESH, {"ids": ids})
        done += len(books)
    report("books", done, invention.count)


async def _next_number(session: AsyncSession, count: int) -> int:
    highest = await session.scalar(select(func.max(Book.isbn13)).where(Book.isbn13.like(f"{ISBN_PREFIX}%")))
    first = int(highest[len(ISBN_PREFIX) : -1]) + 1 if highest else 0
    if first + count > MOST:
        raise DemoRefused(f"there are numbers for {MOST - first:,} more invented books.")
    return first


def _batches(books: Iterable[T]) -> Iterator[list[T]]:
    remaining = iter(books)
    while batch := list(islice(remaining, BATCH)):
        yield batch


def _silent(_table: str, _done: int, _total: int) -> None:
    """Tables of one batch are no news."""
