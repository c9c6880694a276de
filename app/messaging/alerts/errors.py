"""Refusals about alerts."""

from app.core.errors import AppError


class AlertNotFound(AppError):
    """The caller has no such alert for the item."""

    status = 404
    code = "alert-not-found"
    title = "No such alert"


class ItemWithoutPrice(AppError):
    """The item has no price yet that could go down: say `below` which price to tell."""

    status = 409
    code = "item-without-price"
    title = "The item has no price yet"


class InvalidAlertToken(AppError):
    """The token of a link that ends an alert is incomplete or none of ours."""

    status = 400
    code = "invalid-alert-token"
    title = "The link is not complete"
