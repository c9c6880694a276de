"""Refusals about refunds."""

from typing import Any, ClassVar

from app.core.errors import AppError


class RefundExceedsCaptured(AppError):
    """More was to be given back than is left of what was paid; `refundable` says how much that is."""

    status = 409
    code = "refund-exceeds-captured"
    title = "Not so much was paid"
    members: ClassVar[dict[str, Any]] = {
        "refundable": {"type": "number", "description": "What is left to give back.", "examples": [12.5]}
    }


class PaymentInDispute(AppError):
    """The bank of whoever paid wants the money back, or has it: whoever refunds it too pays twice."""

    status = 409
    code = "payment-in-dispute"
    title = "A payment is disputed"


class RefundExceedsLine(AppError):
    """A line has fewer pieces left that were not refunded, or the order has no such line."""

    status = 409
    code = "refund-exceeds-line"
    title = "Not so many were bought"
