"""Refusals about discounts."""

from app.core.errors import AppError, on_constraint


class DiscountNotFound(AppError):
    """There is no discount with this id."""

    status = 404
    code = "discount-not-found"
    title = "Discount not found"


class DiscountCodeTaken(AppError):
    """Another discount has this code, perhaps one that is over."""

    status = 409
    code = "discount-code-taken"
    title = "Code is taken"


class UnknownDiscountScope(AppError):
    """The discount names an item, a category or an author that does not exist."""

    status = 409
    code = "unknown-discount-scope"
    title = "Unknown item, category or author"


class InvalidDiscount(AppError):
    """What is sent does not go with what stays as it is: more than 100 percent, or an end before the start."""

    status = 422
    code = "invalid-discount"
    title = "Not a discount"


class DiscountExhausted(AppError):
    """A discount was used up meanwhile, by others or by this customer, or staff ended it."""

    status = 409
    code = "discount-exhausted"
    title = "The discount is used up"


def no_discount(discount_id: int) -> DiscountNotFound:
    """Refuse an id that no discount has."""
    return DiscountNotFound(f"There is no discount {discount_id}.")


on_constraint("uq_discounts_code", DiscountCodeTaken, "code", "A discount with this code exists already.")
on_constraint("ck_discounts_percentage_at_most", InvalidDiscount, "value", "A percentage may be 100 at most.")
on_constraint(
    "ck_discounts_ends_after_start", InvalidDiscount, "ends_at", "ends_at must be later than starts_at."
)
