"""The demo catalogue as rows, table by table, in the order in which foreign keys let them in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from app.catalog.authors.names import sort_name
from app.catalog.models import ContributorRole
from app.catalog.series_positions import series_order
from app.demo.accounts import ACCOUNTS, SELLER
from app.demo.catalogue import Catalogue, DemoBook
from app.identity.accounts.repository import email_key

Row = tuple[object, ...]


class Table(NamedTuple):
    """What is copied into one table."""

    name: str
    columns: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class NumberedShop:
    """The demo with the ids that the database reserved, table by table; `hashes` has one for each account."""

    catalogue: Catalogue
    hashes: Sequence[str]
    currency: str
    ids: Mapping[str, Sequence[int]]

    def tables(self) -> tuple[Table, ...]:
        """Every table of the demo."""
        authors = [(id_, name, sort_name(name)) for name, id_ in self._authors.items()]
        series = [(id_, name) for name, id_ in self._series.items()]
        return (
            Table(
                "users", "id username email email_key password_hash full_name role is_verified", self._users()
            ),
            Table("categories", "id name slug path parent_id", self._category_rows()),
            Table("authors", "id name sort_name", authors),
            Table("series", "id name", series),
            Table("works", "id title author_id", [(id_, *work) for work, id_ in self._works.items()]),
            Table("items", "id kind sku title description price tags currency owner_id", self._items()),
            Table(
                "books",
                "item_id work_id isbn13 first_published language format series_id series_position series_order",
                [self._book(book, id_) for book, id_ in self._books],
            ),
            Table("contributors", "book_id position author_id role", self._contributors()),
            Table("book_categories", "book_id category_id", self._book_categories()),
            Table("stock_levels", "item_id on_hand", self._stock),
            Table("stock_movements", "item_id delta balance_after kind actor_id", self._movements()),
        )

    @cached_property
    def _seller(self) -> int:
        return self.ids["users"][ACCOUNTS.index(SELLER)]

    @cached_property
    def _authors(self) -> dict[str, int]:
        return dict(zip(self.catalogue.authors, self.ids["authors"], strict=True))

    @cached_property
    def _series(self) -> dict[str, int]:
        return dict(zip(self.catalogue.series, self.ids["series"], strict=True))

    @cached_property
    def _works(self) -> dict[tuple[str, int | None], int]:
        works = dict.fromkeys(self._work_of(book) for book in self.catalogue.books)
        return dict(zip(works, self.ids["works"], strict=False))

    def _work_of(self, book: DemoBook) -> tuple[str, int | None]:
        author = next((name for name, role in book.contributors if role is ContributorRole.AUTHOR), None)
        return book.item.title, self._authors[author] if author else None

    @cached_property
    def _categories(self) -> dict[str, int]:
        slugs = (category.slug for category in self.catalogue.categories)
        return dict(zip(slugs, self.ids["categories"], strict=True))

    @cached_property
    def _books(self) -> list[tuple[DemoBook, int]]:
        # Books are the first of the items.
        return list(zip(self.catalogue.books, self.ids["items"], strict=False))

    @cached_property
    def _stock(self) -> list[tuple[int, int]]:
        return [(id_, item.stock) for item, id_ in zip(self.catalogue.items, self.ids["items"], strict=True)]

    def _users(self) -> list[Row]:
        return [
            (id_, who.username, who.email, email_key(who.email), hashed, who.full_name, who.role.value, True)
            for who, id_, hashed in zip(ACCOUNTS, self.ids["users"], self.hashes, strict=True)
        ]

    def _category_rows(self) -> list[Row]:
        paths: dict[str, str] = {}
        rows: list[Row] = []
        for slug, name, parent in self.catalogue.categories:
            paths[slug] = f"{paths[parent]}/{slug}" if parent else slug
            rows.append((self._categories[slug], name, slug, paths[slug], self._categories.get(parent)))
        return rows

    def _items(self) -> list[Row]:
        return [
            (
                id_,
                item.kind.value,
                item.sku,
                item.title,
                item.description,
                item.price,
                item.tags,
                self.currency,
                self._seller,
            )
            for item, id_ in zip(self.catalogue.items, self.ids["items"], strict=True)
        ]

    def _book(self, book: DemoBook, id_: int) -> Row:
        return (
            id_,
            self._works[self._work_of(book)],
            book.isbn13,
            book.first_published,
            book.language,
            book.format.value,
            self._series[book.series] if book.series else None,
            book.series_position,
            series_order(book.series_position),
        )

    def _contributors(self) -> list[Row]:
        return [
            (id_, position, self._authors[name], role.value)
            for book, id_ in self._books
            for position, (name, role) in enumerate(book.contributors, start=1)
        ]

    def _book_categories(self) -> list[Row]:
        return [(id_, self._categories[slug]) for book, id_ in self._books for slug in book.categories]

    def _movements(self) -> list[Row]:
        return [(id_, count, count, "initial", self._seller) for id_, count in self._stock if count]
