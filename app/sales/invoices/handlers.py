"""The worker's side of invoices: issued in one transaction, printed outside of any."""

from decimal import Decimal

from app.core.events.events import Delivery, HandlerContext, delivers
from app.sales.invoices.events import InvoiceIssued
from app.sales.invoices.printing import print_invoice
from app.sales.invoices.service import InvoiceService
from app.sales.orders.events import OrderPaid, OrderRefunded


@delivers(OrderPaid)
async def invoice_order(context: HandlerContext, event: OrderPaid, _delivery: Delivery) -> None:
    """Issue and print the order's invoice; whatever is there already stays as it is."""
    async with context.transaction() as session:
        invoice_id = await InvoiceService.build(session, context.settings.shop).issue_invoice(event.order_id)
    await print_invoice(context, invoice_id)


@delivers(InvoiceIssued)
async def print_issued(context: HandlerContext, event: InvoiceIssued, _delivery: Delivery) -> None:
    """Print what was issued."""
    await print_invoice(context, event.invoice_id)


@delivers(OrderRefunded)
async def credit_refund(context: HandlerContext, event: OrderRefunded, _delivery: Delivery) -> None:
    """Issue and print the credit note for what went back."""
    async with context.transaction() as session:
        invoices = InvoiceService.build(session, context.settings.shop)
        note_id = await invoices.issue_credit_note(event.order_id, event.refund_id, Decimal(event.amount))
    if note_id is not None:
        await print_invoice(context, note_id)
