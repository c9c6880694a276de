"""The demo shop: real books and a few other goods, read from the files in `data`."""

import csv
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

from app.catalog.goods.schemas import ItemKind
from app.catalog.models import BookFormat, ContributorRole

DATA = Path(__file__).parent / "data"
_BESTSELLERS = 100
_FORMATS = (*[BookFormat.PAPERBACK] * 6, *[BookFormat.HARDCOVER] * 2, BookFormat.EBOOK, BookFormat.AUDIOBOOK)
_EUROS = {
    BookFormat.PAPERBACK: range(5, 20),
    BookFormat.HARDCOVER: range(16, 50),
    BookFormat.EBOOK: range(5, 13),
    BookFormat.AUDIOBOOK: range(12, 30),
}
_CENTS = ("0.49", "0.90", "0.99")
_STOCK = (0, 1, 2, 3, 5, 8, 12, 20, 35, 60)

T = TypeVar("T")


class DemoCategory(NamedTuple):
    """A node of the tree; parents stand before their children."""

    slug: str
    name: str
    parent: str


class DemoGoods(NamedTuple):
    """What is no book."""

    kind: ItemKind
    sku: str
    title: str
    description: str
    price: Decimal
    tags: list[str]
    quantity: int


class DemoBook(NamedTuple):
    """A book, its people, series and categories by name."""

    isbn13: str
    title: str
    description: str
    price: Decimal
    tags: list[str]
    quantity: int
    first_published: int | None
    language: str | None
    format: BookFormat
    series: str | None
    series_position: str | None
    contributors: list[tuple[str, ContributorRole]]
    categories: list[str]


@dataclass(frozen=True)
class DemoShop:
    """Everything on the demo shelves; the same on every machine."""

    categories: Sequence[DemoCategory]
    books: Sequence[DemoBook]
    goods: Sequence[DemoGoods]

    @classmethod
    def read(cls) -> "DemoShop":
        """Read it from the files."""
        categories = [DemoCategory(**row) for row in _rows("categories.csv")]
        shelves = {category.slug: category.name for category in categories}
        return cls(
            categories=categories,
            books=[_book(row, rank, shelves) for rank, row in enumerate(_rows("books.csv"))],
            goods=[_goods(row) for row in _rows("goods.csv")],
        )

    @cached_property
    def people(self) -> list[str]:
        """Every contributor once."""
        return list(dict.fromkeys(name for book in self.books for name, _ in book.contributors))


def _rows(file: str) -> Iterator[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def _book(row: dict[str, str], rank: int, categories: Mapping[str, str]) -> DemoBook:
    isbn13 = row["isbn13"]
    made_as = _pick(_FORMATS, isbn13, "format")
    printed = [each.removesuffix(")").partition(" (") for each in row["contributors"].split("; ")]
    return DemoBook(
        isbn13=isbn13,
        title=row["title"],
        description=_describe(row, categories),
        price=_pick(_EUROS[made_as], isbn13, "euros") + Decimal(_pick(_CENTS, isbn13, "cents")),
        tags=_tags(row, rank),
        quantity=_pick(_STOCK, isbn13, "stock"),
        first_published=int(row["first_published"]) if row["first_published"] else None,
        language=row["language"] or None,
        format=made_as,
        series=row["series"] or None,
        series_position=row["series_position"] or None,
        contributors=[(name, ContributorRole(role or ContributorRole.AUTHOR)) for name, _, role in printed],
        categories=row["categories"].split("; "),
    )


def _goods(row: dict[str, str]) -> DemoGoods:
    return DemoGoods(
        kind=ItemKind(row["kind"]),
        sku=row["sku"],
        title=row["title"],
        description=row["description"],
        price=Decimal(row["price"]),
        tags=row["tags"].split("; "),
        quantity=_pick(_STOCK, row["sku"], "stock"),
    )


def _describe(row: dict[str, str], shelves: Mapping[str, str]) -> str:
    """Tell shelves and year alone: what searches must find of title, people and form, they find where it belongs."""
    text = "; ".join(shelves[slug] for slug in row["categories"].split("; "))
    if row["first_published"]:
        year = int(row["first_published"])
        text += f", first published in {year}" if year > 0 else f", written about {-year} BCE"
    return f"{text}."


def _tags(row: dict[str, str], rank: int) -> list[str]:
    categories = set(row["categories"].split("; "))
    earned = {
        "bestseller": rank < _BESTSELLERS,
        "classic": bool(categories & {"antiquity", "classics"}),
        "series": bool(row["series"]),
        "translated": "(translator)" in row["contributors"],
    }
    return [tag for tag, is_earned in earned.items() if is_earned]


def _pick(choices: Sequence[T], key: str, purpose: str) -> T:
    """One of them, by the key alone, so that every load is alike."""
    digest = hashlib.sha256(f"{purpose}:{key}".encode()).digest()
    return choices[int.from_bytes(digest[:8], "big") % len(choices)]
