"""Issuing invoices and credit notes, each once."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Self

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import shop_today
from app.core.events.events import PermanentFailure
from app.core.settings.groups import ShopSettings
from app.sales.invoices.contents import credit_of, gross_total, invoice_of
from app.sales.invoices.repository import InvoiceRepository
from app.sales.invoices.schemas import InvoiceContent
from app.sales.models import Invoice, InvoiceKind, Order, OrderLine


class InvoiceService:
    """Issues what an order is invoiced and credited."""

    def __init__(self, invoices: InvoiceRepository, shop: ShopSettings) -> None:
        self._invoices = invoices
        self._shop = shop

    @classmethod
    def build(cls, session: AsyncSession, shop: ShopSettings) -> Self:
        """Compose it on one session, for the shop as its settings say it is."""
        return cls(InvoiceRepository(session), shop)

    async def issue_invoice(self, order_id: int) -> int:
        """Issue the order's invoice, or find it: there is one; its id. Raises PermanentFailure without the order."""
        order = await self._lock(order_id)
        return (await self._invoice_of(order, await self._invoices.list_issued(order_id))).id

    async def issue_invoices(self, sold: Sequence[tuple[Order, Sequence[OrderLine]]]) -> list[int]:
        """Issue invoices of paid orders that nobody else has seen yet: the demo's, by the hundred; their ids."""
        numbers = await self._invoices.next_numbers(InvoiceKind.INVOICE, shop_today().year, len(sold))
        invoices = [
            _numbered(number, order, invoice_of(order, lines, self._shop))
            for number, (order, lines) in zip(numbers, sold, strict=True)
        ]
        await self._invoices.add(invoices)
        return [invoice.id for invoice in invoices]

    async def issue_credit_note(self, order_id: int, refund_id: int, amount: Decimal) -> int | None:
        """Credit a refund of the order, or find the note that did; its id.

        There is none of an order that was never paid, nor of money beyond what was invoiced: all notes together
        credit what the shop did not keep of it. A refund that is heard of before the payment has the invoice issued
        first. Raises PermanentFailure without the order.
        """
        order = await self._lock(order_id)
        issued = await self._invoices.list_issued(order_id)
        known = next((one for one in issued if one.refund_id == refund_id), None)
        if known is not None:
            return known.id
        if not issued and order.paid_at is None:
            return None
        invoice = await self._invoice_of(order, issued)
        earlier = [InvoiceContent.model_validate(one.content) for one in issued if one.refund_id is not None]
        kept = await self._invoices.find_kept(order_id)
        amount = min(amount, invoice.total - kept - gross_total(earlier))
        if amount <= 0:
            return None
        content = InvoiceContent.model_validate(invoice.content)
        credit = credit_of(
            content,
            invoice.number,
            earlier,
            amount,
            invoice.currency,
            await self._invoices.list_refunded(refund_id),
        )
        return (await self._issue(InvoiceKind.CREDIT_NOTE, order, credit, refund_id)).id

    async def _lock(self, order_id: int) -> Order:
        order = await self._invoices.lock_order(order_id)
        if order is None:
            # It was there when the event was written, with it in one transaction: it does not come back.
            raise PermanentFailure(f"there is no order {order_id} to invoice")
        return order

    async def _invoice_of(self, order: Order, issued: Sequence[Invoice]) -> Invoice:
        if issued:
            return issued[0]
        content = invoice_of(order, await self._invoices.list_lines(order.id), self._shop)
        return await self._issue(InvoiceKind.INVOICE, order, content)

    async def _issue(
        self, kind: InvoiceKind, order: Order, content: InvoiceContent, refund_id: int | None = None
    ) -> Invoice:
        numbers = await self._invoices.next_numbers(kind, shop_today().year, 1)
        invoice = _numbered(numbers[0], order, content)
        invoice.kind, invoice.refund_id = kind.value, refund_id
        await self._invoices.add([invoice])
        return invoice


def _numbered(number: str, order: Order, content: InvoiceContent) -> Invoice:
    today = shop_today()
    tax = sum((row.tax for row in content.taxes), Decimal(0))
    total = gross_total([content])
    return Invoice(
        kind=InvoiceKind.INVOICE.value,
        number=number,
        order_id=order.id,
        currency=order.currency,
        amount=total - tax,
        tax=tax,
        total=total,
        issue_date=today,
        due_date=today,
        content=content.model_dump(mode="json"),
    )
