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
