"""Refusals of a checkout."""

from typing import Any, ClassVar

from app.core.errors import AppError

_AMOUNTS = {"subtotal": 25.0, "discount": 2.5, "tax": 1.58, "shipping": 3.9, "total": 27.98}


class CartEmpty(AppError):
    """There is nothing in the cart that could be bought."""

    status = 409
    code = "cart-empty"
    title = "The cart is empty"


class PriceChanged(AppError):
    """The order would cost something else than `expected_total`; `totals` says what it costs now."""

    status = 409
    code = "price-changed"
    title = "The price has changed"
    members: ClassVar[dict[str, Any]] = {
        "totals": {
            "type": "object",
            "required": [*_AMOUNTS],
            "properties": {name: {"type": "number", "examples": [one]} for name, one in _AMOUNTS.items()},
            "examples": [_AMOUNTS],
        },
        "currency": {"type": "string", "examples": ["EUR"]},
    }


class OrderTooLarge(AppError):
    """It comes to more than one order may."""

    status = 409
    code = "order-too-large"
    title = "More than one order may come to"


class UnknownShippingOption(AppError):
    """The order cannot be sent in this way; `available` names the ways in which it can."""

    status = 409
    code = "unknown-shipping-option"
    title = "Not sent in this way"
    members: ClassVar[dict[str, Any]] = {
        "available": {"type": "array", "items": {"type": "string"}, "examples": [["standard", "pickup"]]}
    }


class NotShippedThere(AppError):
    """The shop does not send this to that address."""

    status = 409
    code = "not-shipped-there"
    title = "The shop does not send there"
