"""Refusals about books."""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.core.errors import AppError, on_constraint


class BookNotFound(AppError):
    """There is no book with this id or ISBN."""

    status = 404
    code = "book-not-found"
    title = "Book not found"


class InvalidIsbn(AppError):
    """The text is no ISBN: wrong length, wrong check digit, or letters in it."""

    status = 422
    code = "invalid-isbn"
    title = "Not an ISBN"
    members: ClassVar[Mapping[str, Any]] = {
        "suggestions": {
            "type": "array",
            "items": {"type": "string"},
            "description": "ISBNs of the shop's books that one slip makes of it.",
            "examples": [["9780261102217"]],
        }
    }


class IsbnTaken(AppError):
    """Another book has this ISBN."""

    status = 409
    code = "isbn-taken"
    title = "ISBN is taken"


class DuplicateContributor(AppError):
    """The same person stands twice in the same role."""

    status = 409
    code = "duplicate-contributor"
    title = "Contributor named twice"


def no_book(book_id: int) -> BookNotFound:
    """The refusal of an id that no book has."""
    return BookNotFound(f"There is no book {book_id}.")


def no_book_of_isbn(isbn13: str) -> BookNotFound:
    """The refusal of an ISBN that no book has."""
    return BookNotFound(f"There is no book with the ISBN {isbn13}.")


on_constraint("uq_books_isbn13", IsbnTaken, "isbn", "A book with this ISBN exists already.")
on_constraint(
    "uq_contributors_book_id_author_id_role",
    DuplicateContributor,
    "contributors",
    "The same person stands twice in the same role.",
)
