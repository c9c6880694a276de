"""Refusals of stock-takes."""

from typing import Any, ClassVar

from app.core.errors import AppError

_COUNTS = {"counted": 1, "expected": 5, "on_hand": 5, "reserved": 3}


class CountNotFound(AppError):
    """There is no stock-take with this id."""

    status = 404
    code = "count-not-found"
    title = "Stock-take not found"


class CountClosed(AppError):
    """The stock-take is over: committed or cancelled."""

    status = 409
    code = "count-closed"
    title = "The stock-take is over"


class NotInCount(AppError):
    """The item is not among those that are counted, or has no stock of its own."""

    status = 409
    code = "not-in-count"
    title = "Not to be counted here"


class CountFull(AppError):
    """The stock-take has as many items as it may have."""

    status = 409
    code = "count-full"
    title = "Too many items in one stock-take"


class CountTooHigh(AppError):
    """More of an item would be counted than any item may have."""

    status = 409
    code = "count-too-high"
    title = "Too many of an item"


class CountRefused(AppError):
    """What was counted cannot be put on hand, of the items in `lines`: less than what is reserved, or too much."""

    status = 409
    code = "count-refused"
    title = "The count cannot be true"
    members: ClassVar[dict[str, Any]] = {
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["item_id", *_COUNTS],
                "properties": {
                    "item_id": {"type": "integer", "format": "int64", "examples": [42]},
                    **{name: {"type": "integer", "examples": [one]} for name, one in _COUNTS.items()},
                },
            },
            "examples": [[{"item_id": 42, **_COUNTS}]],
        }
    }


def no_count(count_id: int) -> CountNotFound:
    """The refusal of an id that no stock-take has."""
    return CountNotFound(f"There is no stock-take {count_id}.")
