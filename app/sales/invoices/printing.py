"""The printed form of invoices and credit notes: made once, kept in the store of files under the hash of its bytes."""

import hashlib
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path

import structlog

from app.core.db.engine import Database
from app.core.events.events import HandlerContext
from app.core.pdf import make_pdf
from app.core.storage.storage import FileMissing, Storage
from app.sales.invoices.contents import address_lines
from app.sales.invoices.errors import PrintedFormLost
from app.sales.invoices.queries import Printed, find_unprinted, get_issued
from app.sales.invoices.repository import InvoiceRepository
from app.sales.invoices.schemas import InvoiceItemOut, InvoiceOut
from app.sales.models import InvoiceKind
from app.sales.pricing import round_money

_log = structlog.get_logger(__name__)
_TEMPLATE = Path(__file__).with_name("invoice.typ")


async def print_invoice(context: HandlerContext, invoice_id: int) -> None:
    """Make the printed form unless there is one. A second attempt makes the same bytes, and so the same file."""
    async with context.transaction() as session:
        found = await find_unprinted(await session.connection(), invoice_id)
    if found is None:
        return
    pdf = await make_pdf(_TEMPLATE, wording(found.invoice), found.created_at)
    sha256 = hashlib.sha256(pdf).hexdigest()
    await context.storage.opened.put(_path(sha256), pdf)
    async with context.transaction() as session:
        await InvoiceRepository(session).add_file(invoice_id, sha256, len(pdf))


async def read_printed(database: Database, storage: Storage, printed: Printed) -> bytes:
    """The bytes that were made; where the store has lost them they are made again. Raises PrintedFormLost."""
    try:
        return await storage.read(_path(printed.sha256))
    except FileMissing:
        _log.warning("printed_invoice_missing", number=printed.number)
    async with database.reading() as connection:
        issued = await get_issued(connection, printed.invoice_id)
    pdf = await make_pdf(_TEMPLATE, wording(issued.invoice), issued.created_at)
    if hashlib.sha256(pdf).hexdigest() != printed.sha256:
        raise PrintedFormLost(f"The file of {printed.number} is lost, and cannot be made again as it was.")
    await storage.put(_path(printed.sha256), pdf)
    return pdf


def wording(invoice: InvoiceOut) -> Mapping[str, object]:
    """What the template puts on paper: words alone."""
    is_credit, money = invoice.kind is InvoiceKind.CREDIT_NOTE, partial(_money, invoice.currency)
    facts = [
        ("Date of issue", f"{invoice.issue_date:%Y-%m-%d}"),
        ("Due date", f"{invoice.due_date:%Y-%m-%d}"),
        ("Order", invoice.order_number),
    ]
    if invoice.credited_invoice is not None:
        facts.append(("For invoice", invoice.credited_invoice))
    if invoice.seller.vat_id is not None:
        facts.append(("VAT ID of the seller", invoice.seller.vat_id))
    totals = [("Subtotal", money(invoice.subtotal))]
    if invoice.discount:
        totals.append(("Discount", money(-invoice.discount)))
    if invoice.shipping:
        totals.append(("Shipping", money(invoice.shipping)))
    tax = "Tax, contained" if invoice.is_gross else "Tax"
    totals += [
        ("Net", money(invoice.amount)),
        (tax, money(invoice.tax)),
        (f"Total {invoice.currency}", money(invoice.total)),
    ]
    return {
        "heading": f"{'Credit note' if is_credit else 'Invoice'} {invoice.number}",
        "seller": invoice.seller.model_dump(include={"name", "address", "footer"}),
        "customer": address_lines(invoice.customer),
        "facts": facts,
        "items": [_item(position, item, money) for position, item in enumerate(invoice.items, 1)],
        "totals": totals,
        "taxes": [
            (_percent(row.rate), money(row.net), money(row.tax), money(row.gross)) for row in invoice.taxes
        ],
        "note": f"All amounts in {invoice.currency}. "
        + ("They are paid back." if is_credit else "Paid with thanks."),
    }


def _item(position: int, item: InvoiceItemOut, money: Callable[[Decimal], str]) -> Mapping[str, str]:
    isbn, sku = f"ISBN {item.isbn}" if item.isbn else "", f"SKU {item.sku}" if item.sku else ""
    return {
        "position": str(position),
        "title": item.title,
        "detail": " · ".join(part for part in (isbn, sku) if part),
        "quantity": str(item.quantity),
        "unit_price": money(item.unit_price),
        "discount": money(-item.discount) if item.discount else "",
        "tax_rate": _percent(item.tax_rate),
        "line_total": money(item.line_total),
    }


def _money(currency: str, amount: Decimal) -> str:
    return f"{round_money(amount, currency):,f}".replace("-", "\N{MINUS SIGN}")


def _percent(rate: Decimal) -> str:
    return f"{(rate * 100).normalize():f} %"


def _path(sha256: str) -> str:
    return f"invoices/{sha256}.pdf"
