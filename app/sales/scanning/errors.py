"""Refusals of codes."""

from app.core.errors import AppError


class CodeNotFound(AppError):
    """No item has this code, or it is none: the detail says which."""

    status = 404
    code = "code-not-found"
    title = "No item has this code"
