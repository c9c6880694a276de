"""Refusals about those who sell."""

from app.core.errors import AppError


class UserNotFound(AppError):
    """There is no open account with this id."""

    status = 404
    code = "user-not-found"
    title = "User not found"
