"""Refusals about invoices."""

from app.core.errors import AppError


class NotInvoiced(AppError):
    """An order has no invoice before it is paid, and for a moment after that."""

    status = 409
    code = "not-invoiced"
    title = "The order has no invoice yet"


class PrintedFormLost(AppError):
    """The file is gone from the store, and this release would set it differently; `/invoice` says all that it said."""

    status = 410
    code = "printed-form-lost"
    title = "The printed form is lost"


class CreditNoteNotFound(AppError):
    """The order has no credit note with this number."""

    status = 404
    code = "credit-note-not-found"
    title = "Credit note not found"
