"""Refusals around mails of lists."""

from app.core.errors import AppError


class InvalidUnsubscribeToken(AppError):
    """The token of an unsubscribe link is incomplete or none of ours."""

    status = 400
    code = "invalid-unsubscribe-token"
    title = "The unsubscribe link is not complete"
