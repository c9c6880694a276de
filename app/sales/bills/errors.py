"""Refusals about bills."""

from app.core.errors import AppError, on_constraint


class BillNotFound(AppError):
    """There is no such invoice of the caller's; another sender's is not found either."""

    status = 404
    code = "bill-not-found"
    title = "Invoice not found"


class BillExists(AppError):
    """You sent an invoice with this id before; each has its own."""

    status = 409
    code = "bill-exists"
    title = "The invoice was sent before"


class BillAmbiguous(AppError):
    """Several senders have an invoice with this id; name one by `sender_id`."""

    status = 409
    code = "bill-ambiguous"
    title = "Several invoices have this id"


class BillPaidAlready(AppError):
    """An invoice is paid once."""

    status = 409
    code = "bill-paid-already"
    title = "The invoice is paid already"


class CallbackRefused(AppError):
    """A callback goes to an address on the public internet, by HTTPS at port 443, without query and fragment."""

    status = 422
    code = "callback-refused"
    title = "The callback's address may not be called"


def no_bill(number: str) -> BillNotFound:
    """The refusal of an id that no invoice of the sender's has."""
    return BillNotFound(f"There is no invoice {number}.")


on_constraint("uq_bills_user_id_number", BillExists, "id", "You sent an invoice with this id before.")
