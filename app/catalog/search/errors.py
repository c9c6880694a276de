"""Refusals of the search."""

from app.core.errors import AppError


class SearchTooSlow(AppError):
    """The search took longer than the shop spends on one; the server gave it up."""

    status = 503
    code = "search-too-slow"
    title = "The search took too long"
