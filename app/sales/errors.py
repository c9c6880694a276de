"""Refusals that several features of selling share."""

from app.core.errors import AppError


class OrderNotFound(AppError):
    """There is no order with this number, or it is somebody else's."""

    status = 404
    code = "order-not-found"
    title = "Order not found"


def no_order(number: str) -> OrderNotFound:
    """The refusal of a number that no order of the caller's has."""
    return OrderNotFound(f"There is no order {number}.")
