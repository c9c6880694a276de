"""Refusals about stock."""

from collections.abc import Mapping
from typing import Any, ClassVar

from app.core.errors import AppError
from app.core.metrics import STOCK_CONFLICTS

_LINE = {
    "type": "object",
    "required": ["item_id", "available"],
    "properties": {
        "item_id": {"type": "integer", "format": "int64", "examples": [42]},
        "available": {"type": "integer", "examples": [3]},
    },
}


class InsufficientStock(AppError):
    """Fewer are available than are asked for; `lines` says of each such item how many are."""

    status = 409
    code = "insufficient-stock"
    title = "Not enough in stock"
    members: ClassVar[dict[str, Any]] = {
        "lines": {"type": "array", "items": _LINE, "examples": [[{"item_id": 42, "available": 3}]]}
    }


class InvalidSalePolicy(AppError):
    """The limit or the date does not go with the sale policy that the item has or would have."""

    status = 422
    code = "invalid-sale-policy"
    title = "The sale policy does not go with this"


class StockTooHigh(AppError):
    """An item would have more on hand than any item may."""

    status = 409
    code = "stock-too-high"
    title = "Too many of an item"


class UnknownItem(AppError):
    """A line names an item id that does not exist."""

    status = 409
    code = "unknown-item"
    title = "Unknown item"


def only(available: Mapping[int, int]) -> InsufficientStock:
    """The refusal that tells how many there are of each item that is short, by its id; it counts as a conflict."""
    STOCK_CONFLICTS.inc()
    told = ", ".join(f"{count} of item {item_id}" for item_id, count in available.items())
    lines = [{"item_id": item_id, "available": count} for item_id, count in available.items()]
    return InsufficientStock(f"There are only {told}.", lines=lines)
