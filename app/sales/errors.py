"""Refusals that several features of selling share."""

from decimal import Decimal

from app.core.currencies import require_decimals
from app.core.errors import AppError


class OrderNotFound(AppError):
    """There is no order with this number, or it is somebody else's."""

    status = 404
    code = "order-not-found"
    title = "Order not found"


class AmountNotInCurrency(AppError):
    """The amount has decimals that its currency has not (ISO 4217)."""

    status = 422
    code = "amount-not-in-currency"
    title = "No amount of this currency"


def no_order(number: str) -> OrderNotFound:
    """The refusal of a number that no order of the caller's has."""
    return OrderNotFound(f"There is no order {number}.")


def require_amount(field: str, amount: Decimal, currency: str) -> None:
    """Check the amount of a field. Raises AmountNotInCurrency."""
    try:
        require_decimals(amount, currency)
    except ValueError as refusal:
        message = str(refusal)
        raise AmountNotInCurrency(message, errors=AmountNotInCurrency.about(field, message)) from None
