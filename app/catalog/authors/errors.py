"""Refusals about authors, and the redirection that a merge leaves behind."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from app.core.errors import AppError, on_constraint


class AuthorNotFound(AppError):
    """There is no author with this id."""

    status = 404
    code = "author-not-found"
    title = "Author not found"


class AuthorMerged(AppError):
    """The author was merged into another one, at the address in `Location`; `current_id` is its id."""

    status = HTTPStatus.PERMANENT_REDIRECT
    code = "author-merged"
    title = "The author was merged into another one"
    members: ClassVar[Mapping[str, Any]] = {
        "current_id": {"type": "integer", "format": "int64", "examples": [7]}
    }


class AuthorInUse(AppError):
    """An author who contributed to books cannot be deleted."""

    status = 409
    code = "author-in-use"
    title = "Author is in use"


class UnknownAuthor(AppError):
    """A contributor names an author id that does not exist."""

    status = 409
    code = "unknown-author"
    title = "Unknown author"


def no_author(author_id: int) -> AuthorNotFound:
    """Refuse an id that no author has."""
    return AuthorNotFound(f"There is no author {author_id}.")


def merged_author(author_id: int, canonical_id: int) -> AuthorMerged:
    """Redirect to the author that stands for a merged one."""
    detail = f"Author {author_id} was merged into author {canonical_id}."
    return AuthorMerged(detail, moved={"author_id": canonical_id}, current_id=canonical_id)


on_constraint(
    "fk_contributors_author_id_authors", UnknownAuthor, "contributors", "An author_id does not exist."
)
on_constraint("fk_works_author_id_authors", UnknownAuthor, "contributors", "An author_id does not exist.")
