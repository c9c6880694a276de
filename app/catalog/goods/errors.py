"""Refusals about goods of every kind."""

from app.core.errors import AppError, on_constraint


class ItemNotFound(AppError):
    """There is no item with this id."""

    status = 404
    code = "item-not-found"
    title = "Item not found"


class NotYourItem(AppError):
    """Only its owner or a moderator may change or delete an item."""

    status = 403
    code = "not-your-item"
    title = "Somebody else's item"


class KindFixed(AppError):
    """A book stays a book, a bundle a bundle, and nothing else becomes one: its other data would be lost."""

    status = 409
    code = "kind-fixed"
    title = "The kind cannot change"


class SkuTaken(AppError):
    """Another item has this SKU."""

    status = 409
    code = "sku-taken"
    title = "SKU is taken"


class QuantityNotSettable(AppError):
    """There can be no such quantity: the rest of a limit is always for sale, of `none` nothing is, a bundle has parts."""

    status = 409
    code = "quantity-not-settable"
    title = "The quantity cannot be set so"


class StockReserved(AppError):
    """More are promised to open orders than would be on hand or could be sold before."""

    status = 409
    code = "stock-reserved"
    title = "Stock is reserved"


class ItemInOffer(AppError):
    """The item is part of a bundle, which would be another one without it."""

    status = 409
    code = "item-in-offer"
    title = "The item is part of a bundle"


class PriceTooHigh(AppError):
    """An item from before prices had a limit costs more: any change of it must bring a price within it."""

    status = 409
    code = "price-too-high"
    title = "The price is too high"


def no_item(item_id: int) -> ItemNotFound:
    """The refusal of an id that no item has."""
    return ItemNotFound(f"There is no item {item_id}.")


def no_own_quantity() -> QuantityNotSettable:
    """The refusal of any quantity of a bundle."""
    message = "How many there are of a bundle follows from its parts."
    return QuantityNotSettable(message, errors=QuantityNotSettable.about("quantity", message))


def refused_quantity(available: int) -> QuantityNotSettable:
    """The refusal of a quantity, with the one that there would be."""
    message = f"The item's sale policy leaves no other quantity than {available}; staff can change it."
    return QuantityNotSettable(message, errors=QuantityNotSettable.about("quantity", message))


on_constraint("uq_items_sku", SkuTaken, "sku", "An item with this SKU exists already.")
on_constraint(
    "fk_offer_parts_item_id_items",
    ItemInOffer,
    "item_id",
    "It is part of a bundle; take it out of that first.",
)
on_constraint("ck_items_price_at_most", PriceTooHigh, "price", "A price may be 1,000,000 at most.")
on_constraint(
    "ck_stock_levels_covers_reserved", StockReserved, "oversell_limit", "Some of the stock is reserved."
)
