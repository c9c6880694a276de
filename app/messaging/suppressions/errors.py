"""Refusals about suppressed addresses."""

from app.core.errors import AppError, on_constraint


class BounceRefused(AppError):
    """`X-Bounce-Secret` is missing or wrong, or the shop takes no notice of bounces."""

    status = 401
    code = "bounce-refused"
    title = "The bounce secret is wrong"


class SuppressionNotFound(AppError):
    """No address is suppressed by this id."""

    status = 404
    code = "suppression-not-found"
    title = "No such suppression"


class AlreadySuppressed(AppError):
    """The address gets no mail already."""

    status = 409
    code = "already-suppressed"
    title = "The address is suppressed already"


on_constraint(
    "uq_mail_suppressions_email_key", AlreadySuppressed, "email", "The address is suppressed already."
)
