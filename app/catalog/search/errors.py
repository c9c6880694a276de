"""Refusals of the search."""

from app.core.errors import AppError


class SearchTooSlow(AppError):
    """The search took longer than the shop spends on one; the server gave it up."""

    status = 503
    code = "search-too-slow"
    title = "The search took too long"


class ZeroResultNotFound(AppError):
    """There is no such entry among the searches without result."""

    status = 404
    code = "zero-result-not-found"
    title = "Search without result not found"


class SynonymNotFound(AppError):
    """There is no synonym with this id."""

    status = 404
    code = "synonym-not-found"
    title = "Synonym not found"


class InvalidSynonym(AppError):
    """A term has no letter or digit, or two terms are the same to a search."""

    status = 422
    code = "invalid-synonym"
    title = "Not a synonym"
