"""The columns of exported books: names that the import understands, and how each field is said."""

from collections.abc import Callable, Mapping
from typing import Any

from app.catalog.exports.contract import ExportedBook
from app.catalog.formats.cells import escape_formula, join_list
from app.catalog.formats.people import credits_cell
from app.catalog.formats.subjects import subjects_cell
from app.catalog.partial_dates import format_partial_date

Cell = str | int | None


def _text(value: str | None) -> str | None:
    return None if value is None else escape_formula(value)


def published_of(book: ExportedBook) -> str | None:
    """The date of publication as far as it is known."""
    if book.published_on is None or book.published_precision is None:
        return None
    return format_partial_date(book.published_on, book.published_precision)


def shop_item_id_of(book: ExportedBook) -> int | None:
    """By what an import knows a book again that has no ISBN."""
    return book.id if book.isbn13 is None else None


CELLS: Mapping[str, Callable[[ExportedBook], Cell]] = {
    "isbn13": lambda book: book.isbn13,
    "title": lambda book: _text(book.title),
    "subtitle": lambda book: _text(book.subtitle),
    "contributors": lambda book: escape_formula(credits_cell(book.contributors)),
    "publisher": lambda book: _text(book.publisher),
    "published": published_of,
    "first_published": lambda book: book.first_published,
    "language": lambda book: book.language,
    "format": lambda book: book.format,
    "pages": lambda book: book.pages,
    "series": lambda book: _text(book.series),
    "series_position": lambda book: _text(book.series_position),
    "categories": lambda book: escape_formula(join_list(slug for slug, _ in book.categories)),
    "subjects": lambda book: escape_formula(subjects_cell(book.subjects)),
    "tags": lambda book: escape_formula(join_list(book.tags)),
    "sku": lambda book: book.sku,
    "price": lambda book: None if book.price is None else str(book.price),
    "currency": lambda book: book.currency,
    "quantity": lambda book: book.quantity,
    "description": lambda book: _text(book.description),
    "shop_item_id": shop_item_id_of,
}
"""Cells of a spreadsheet: text that might be a formula is escaped, numbers never."""

VALUES: Mapping[str, Callable[[ExportedBook], Any]] = {
    "isbn13": lambda book: book.isbn13,
    "title": lambda book: book.title,
    "subtitle": lambda book: book.subtitle,
    "contributors": lambda book: [{"name": name, "role": role} for name, role in book.contributors],
    "publisher": lambda book: book.publisher,
    "published": published_of,
    "first_published": lambda book: book.first_published,
    "language": lambda book: book.language,
    "format": lambda book: book.format,
    "pages": lambda book: book.pages,
    "series": lambda book: book.series,
    "series_position": lambda book: book.series_position,
    "categories": lambda book: [slug for slug, _ in book.categories],
    "subjects": lambda book: list(book.subjects),
    "tags": lambda book: book.tags,
    "sku": lambda book: book.sku,
    "price": lambda book: None if book.price is None else float(book.price),
    "currency": lambda book: book.currency,
    "quantity": lambda book: book.quantity,
    "description": lambda book: book.description,
    "shop_item_id": shop_item_id_of,
}
"""The same as JSON."""
