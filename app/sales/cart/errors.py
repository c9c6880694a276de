"""Refusals about carts."""

from app.core.errors import AppError


class CartNotFound(AppError):
    """No cart has this token: it was merged into an account's, or ended, or never was."""

    status = 404
    code = "cart-not-found"
    title = "No such cart"


class CartLineNotFound(AppError):
    """The cart has no line of this item."""

    status = 404
    code = "cart-line-not-found"
    title = "Not in the cart"


class CartFull(AppError):
    """The cart has as many lines as it may have."""

    status = 409
    code = "cart-full"
    title = "The cart is full"


class CartLineFull(AppError):
    """The line would have more pieces than it may have."""

    status = 409
    code = "cart-line-full"
    title = "Too many of an item"


class NotForSale(AppError):
    """The item is not for sale: it has no price, is off sale, or has another currency than the shop."""

    status = 409
    code = "not-for-sale"
    title = "Not for sale"


class CouponNotValid(AppError):
    """The coupon counts for nothing here: unknown, not yet or no longer in force, or used up."""

    status = 422
    code = "coupon-not-valid"
    title = "The coupon does not count"


def no_cart() -> CartNotFound:
    """The refusal of a token that leads to no cart, and of a guest without one."""
    return CartNotFound("There is no such cart; put something in one first.")
