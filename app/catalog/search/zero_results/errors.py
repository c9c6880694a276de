"""Refusals about searches without result."""

from app.core.errors import AppError


class ZeroResultNotFound(AppError):
    """There is no such entry among the searches without result."""

    status = 404
    code = "zero-result-not-found"
    title = "Search without result not found"
