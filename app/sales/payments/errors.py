"""Refusals about payments."""

from app.core.errors import AppError, on_constraint


class PaymentNotFound(AppError):
    """The order has no payment with this id."""

    status = 404
    code = "payment-not-found"
    title = "Payment not found"


class OrderAlreadyPaid(AppError):
    """Nothing is left to pay for the order."""

    status = 409
    code = "order-already-paid"
    title = "The order is paid"


class OrderNotPayable(AppError):
    """The order is over: cancelled, or sent back."""

    status = 409
    code = "order-not-payable"
    title = "The order cannot be paid"


class PaymentUnderWay(AppError):
    """Another payment of the order is under way, and its provider has not said yet what became of it."""

    status = 409
    code = "payment-under-way"
    title = "A payment is under way"


class GiftCardEmpty(AppError):
    """Nothing is left on the gift card, or the order has what there was."""

    status = 409
    code = "gift-card-empty"
    title = "Nothing is left on the gift card"


class ProviderNotOffered(AppError):
    """The shop takes no payments by this provider."""

    status = 409
    code = "payment-provider-not-offered"
    title = "Not a way to pay here"


class WebhookRefused(AppError):
    """The signature over the body is missing, wrong or too old."""

    status = 400
    code = "webhook-signature-invalid"
    title = "The webhook is not signed"


on_constraint("uq_payments_under_way", PaymentUnderWay, "provider", "Another payment is under way.")
