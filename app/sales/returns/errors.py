"""Refusals about returns."""

from typing import Any, ClassVar

from app.core.errors import AppError
from app.sales.returns.states import ReturnAction


class ReturnNotFound(AppError):
    """There is no return with this id."""

    status = 404
    code = "return-not-found"
    title = "Return not found"


class OrderNotReturnable(AppError):
    """The order is not delivered."""

    status = 409
    code = "order-not-returnable"
    title = "Nothing to send back yet"


class ReturnWindowOver(AppError):
    """The days within which goods may be sent back are over."""

    status = 409
    code = "return-window-over"
    title = "Too late to send it back"


class ReturnExceedsDelivered(AppError):
    """Of a line there are fewer pieces with the buyer that are not on their way back, or the order has no such line."""

    status = 409
    code = "return-exceeds-delivered"
    title = "Not so many to send back"


class IllegalReturnTransition(AppError):
    """The return stands where this cannot be done; `allowed` says what can."""

    status = 409
    code = "illegal-return-transition"
    title = "Not at this stage of the return"
    members: ClassVar[dict[str, Any]] = {
        "allowed": {
            "type": "array",
            "items": {"type": "string", "enum": [*ReturnAction]},
            "description": "What may be done with the return as it stands.",
            "examples": [["approve", "reject"]],
        }
    }


def no_return(return_id: int) -> ReturnNotFound:
    """The refusal of an id that no return has."""
    return ReturnNotFound(f"There is no return {return_id}.")
