"""Reads of invoices and credit notes: with `user_id` of their own orders alone."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db.queries import snapshot_text
from app.core.http.responses import ReadResult
from app.sales.errors import no_order
from app.sales.invoices.errors import CreditNoteNotFound, NotInvoiced
from app.sales.invoices.schemas import CreditNotesOut, InvoiceOut
from app.sales.models import Invoice, InvoiceFile, InvoiceKind, Order

_COLUMNS = tuple(column for column in Invoice.__table__.c if column.name in InvoiceOut.model_fields)


class Issued(NamedTuple):
    """What is printed, and when it was issued."""

    invoice: InvoiceOut
    created_at: datetime


class Printed(NamedTuple):
    """The printed form: whose it is, what it is called, and the hash of its bytes."""

    invoice_id: int
    number: str
    sha256: str


def is_order(number: str, user_id: int | None) -> ColumnElement[bool]:
    """Which order it is; with `user_id` only if it is theirs."""
    return (
        Order.number == number if user_id is None else and_(Order.number == number, Order.user_id == user_id)
    )


async def get_invoice(connection: AsyncConnection, number: str, user_id: int | None) -> ReadResult:
    """The order's invoice. Raises OrderNotFound, NotInvoiced."""
    wanted = _with_order(number, user_id, InvoiceKind.INVOICE)
    row = (await connection.execute(wanted)).mappings().one_or_none()
    if row is None:
        raise no_order(number)
    if row["id"] is None:
        raise _not_invoiced(number)
    return ReadResult(to_answer(row), row["snapshot"])


async def list_credit_notes(connection: AsyncConnection, number: str, user_id: int | None) -> ReadResult:
    """The order's credit notes, the oldest first. Raises OrderNotFound."""
    wanted = _with_order(number, user_id, InvoiceKind.CREDIT_NOTE).order_by(Invoice.id)
    rows = (await connection.execute(wanted)).mappings().all()
    if not rows:
        raise no_order(number)
    notes = [to_answer(row) for row in rows if row["id"] is not None]
    return ReadResult(CreditNotesOut(items=notes), rows[0]["snapshot"])


async def find_unprinted(connection: AsyncConnection, invoice_id: int) -> Issued | None:
    """An invoice or credit note of which there is no printed form yet; None for one that is not there, too."""
    is_printed = select(InvoiceFile).where(InvoiceFile.invoice_id == invoice_id).exists()
    row = (await connection.execute(_issued(invoice_id).where(~is_printed))).mappings().one_or_none()
    return None if row is None else Issued(to_answer(row), row["created_at"])


async def get_issued(connection: AsyncConnection, invoice_id: int) -> Issued:
    """An invoice or credit note that there is, as it was issued."""
    row = (await connection.execute(_issued(invoice_id))).mappings().one()
    return Issued(to_answer(row), row["created_at"])


def _issued(invoice_id: int) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS, Invoice.content, Invoice.created_at).where(Invoice.id == invoice_id)


def to_answer(row: RowMapping) -> InvoiceOut:
    """All that it says: its columns, and its content."""
    return InvoiceOut.model_validate({**row["content"], **row})


async def get_printed_invoice(connection: AsyncConnection, number: str, user_id: int | None) -> Printed:
    """The printed form of the order's invoice. Raises OrderNotFound, NotInvoiced."""
    row = (await connection.execute(_printed(number, user_id, InvoiceKind.INVOICE))).one_or_none()
    if row is None:
        raise no_order(number)
    if row.sha256 is None:
        raise _not_invoiced(number)
    return Printed(*row)


async def get_printed_credit_note(
    connection: AsyncConnection, number: str, note: str, user_id: int | None
) -> Printed:
    """The printed form of one of the order's credit notes. Raises OrderNotFound, CreditNoteNotFound, NotInvoiced."""
    rows = (await connection.execute(_printed(number, user_id, InvoiceKind.CREDIT_NOTE))).all()
    if not rows:
        raise no_order(number)
    row = next((row for row in rows if row.number == note), None)
    if row is None:
        raise CreditNoteNotFound(f"Order {number} has no credit note {note}.")
    if row.sha256 is None:
        raise _not_invoiced(number)
    return Printed(*row)


def _with_order(number: str, user_id: int | None, kind: InvoiceKind) -> Select[*tuple[Any, ...]]:
    """A row for each of the order's; a single empty one where the order has none."""
    both = and_(Invoice.order_id == Order.id, Invoice.kind == kind.value)
    return (
        select(*_COLUMNS, Invoice.content, snapshot_text)
        .select_from(Order)
        .outerjoin(Invoice, both)
        .where(is_order(number, user_id))
    )


def _printed(number: str, user_id: int | None, kind: InvoiceKind) -> Select[*tuple[Any, ...]]:
    files = _with_order(number, user_id, kind).outerjoin(InvoiceFile, InvoiceFile.invoice_id == Invoice.id)
    return files.with_only_columns(Invoice.id, Invoice.number, InvoiceFile.sha256)


def _not_invoiced(number: str) -> NotInvoiced:
    return NotInvoiced(
        f"Order {number} is invoiced once it is paid; the printed form follows within seconds."
    )
