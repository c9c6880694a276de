"""What a writer of exported files offers: bytes before, for each book, and after."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ExportedBook:
    """A book with everything that an import understands."""

    id: int
    isbn13: str | None
    sku: str | None
    title: str
    subtitle: str | None
    description: str | None
    price: Decimal | None
    currency: str
    quantity: int
    tags: list[str]
    publisher: str | None
    published_on: date | None
    published_precision: str | None
    first_published: int | None
    language: str | None
    format: str | None
    pages: int | None
    contributors: list[tuple[str, str]]
    """(name, role) in the book's order."""
    series: str | None
    series_position: str | None
    categories: list[tuple[str, str]]
    """(slug, name)."""
    subjects: list[dict[str, str | None]]
    """{scheme, code, heading}."""


class ExportFormat(Protocol):
    """One kind of exported file."""

    media_type: str
    extension: str

    def header(self) -> bytes:
        """What stands before the first book."""
        ...

    def product(self, book: ExportedBook) -> bytes:
        """One book."""
        ...

    def footer(self) -> bytes:
        """What stands after the last book; a file without it is not complete."""
        ...
