"""Refusals at the till."""

from app.core.errors import AppError


class TooLittleTendered(AppError):
    """What was handed over does not pay for it."""

    status = 422
    code = "too-little-tendered"
    title = "Not enough money"


class TooManyPieces(AppError):
    """Lines of the same item have more pieces together than a line may have."""

    status = 422
    code = "too-many-pieces"
    title = "Too many of an item"
