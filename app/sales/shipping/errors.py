"""Refusals about shipping methods."""

from app.core.errors import AppError, on_constraint


class ShippingMethodNotFound(AppError):
    """There is no shipping method with this id."""

    status = 404
    code = "shipping-method-not-found"
    title = "Shipping method not found"


class ShippingCodeTaken(AppError):
    """Another shipping method has this code."""

    status = 409
    code = "shipping-code-taken"
    title = "The code is taken"


def no_method(method_id: int) -> ShippingMethodNotFound:
    """The refusal of an id that no method has."""
    return ShippingMethodNotFound(f"There is no shipping method {method_id}.")


on_constraint(
    "uq_shipping_methods_code", ShippingCodeTaken, "code", "A shipping method with this code exists already."
)
