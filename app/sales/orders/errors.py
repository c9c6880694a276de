"""Refusals about orders."""

from typing import Any, ClassVar

from app.core.errors import AppError
from app.sales.order_states import Action


class IllegalTransition(AppError):
    """The order stands where this cannot be done; `allowed` says what can."""

    status = 409
    code = "illegal-transition"
    title = "Not at this stage of the order"
    members: ClassVar[dict[str, Any]] = {
        "allowed": {
            "type": "array",
            "items": {"type": "string", "enum": [*Action]},
            "description": "What may be done with the order as it stands.",
            "examples": [["cancel", "pay"]],
        }
    }


class NothingToShip(AppError):
    """A line has fewer left to ship than were named, or none of the lines is the order's."""

    status = 409
    code = "nothing-to-ship"
    title = "Not so many left to ship"


class NotYetOnSale(AppError):
    """An item is sold before it is out, and may not leave before that day."""

    status = 409
    code = "not-yet-on-sale"
    title = "Not to be shipped yet"


class WrongPickupCode(AppError):
    """The code that was shown is another one than the order's."""

    status = 422
    code = "wrong-pickup-code"
    title = "Not the code of this order"
