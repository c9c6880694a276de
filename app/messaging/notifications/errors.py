"""Refusals around notifications."""

from app.core.errors import AppError


class TransactionalMail(AppError):
    """Mails about the account and about orders cannot be turned off."""

    status = 409
    code = "transactional-mail"
    title = "These mails cannot be turned off"


class NotificationNotFound(AppError):
    """The caller has no such notification; another account's is not found either."""

    status = 404
    code = "notification-not-found"
    title = "Notification not found"


def no_notification(notification_id: int) -> NotificationNotFound:
    """The refusal of an id that no notification of the account has."""
    return NotificationNotFound(f"You have no notification {notification_id}.")
