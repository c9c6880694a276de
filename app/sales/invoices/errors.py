"""Refusals about invoices."""

from app.core.errors import AppError


class NotInvoiced(AppError):
    """An order has no invoice before it is paid, and for a moment after that."""

    status = 409
    code = "not-invoiced"
    title = "The order has no invoice yet"


class CreditNoteNotFound(AppError):
    """The order has no credit note with this number."""

    status = 404
    code = "credit-note-not-found"
    title = "Credit note not found"
