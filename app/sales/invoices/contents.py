"""What invoices and credit notes say: pure, from what the order says."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.core.settings.groups import ShopSettings
from app.sales.invoices.repository import Returned
from app.sales.invoices.schemas import CustomerOut, InvoiceContent, InvoiceItemOut, SellerOut, TaxRowOut
from app.sales.models import Order, OrderLine
from app.sales.pricing import round_money, spread

_ZERO = Decimal(0)


def invoice_of(order: Order, lines: Sequence[OrderLine], shop: ShopSettings) -> InvoiceContent:
    """All that the order's lines cost, and their taxes."""
    return InvoiceContent(
        order_number=order.number,
        credited_invoice=None,
        seller=SellerOut(
            name=shop.name, address=shop.address_lines, vat_id=shop.vat_id or None, footer=shop.footer_lines
        ),
        customer=customer_of(order.billing_address or order.address),
        is_gross=order.is_gross,
        items=[InvoiceItemOut.model_validate(line) for line in lines],
        taxes=_tax_table(order, lines),
        subtotal=order.subtotal,
        discount=order.discount,
        shipping=order.shipping,
    )


def credit_of(
    invoice: InvoiceContent,
    number: str,
    earlier: Sequence[InvoiceContent],
    amount: Decimal,
    currency: str,
    pieces: Sequence[Returned],
) -> InvoiceContent:
    """Credit `amount` of the invoice: at the rates of the pieces that came back; without any, at all of its rates.

    What earlier notes left of each rate is the limit. So all of them together never credit more than the invoice,
    and of its taxes the same to the cent.
    """
    left = {row.rate: row for row in invoice.taxes}
    for credit in earlier:
        for row in credit.taxes:
            left[row.rate] = _less(left[row.rate], row)
    rows = [row for row in left.values() if row.gross]
    shares = _shares(rows, amount, currency, _costs(pieces, is_gross=invoice.is_gross))
    taxes = [_share(row, gross, currency) for row, gross in zip(rows, shares, strict=True) if gross]
    items = [
        InvoiceItemOut(
            item_id=None,
            title=_credited(number, row.rate, pieces),
            isbn=None,
            sku=None,
            quantity=1,
            unit_price=row.gross if invoice.is_gross else row.net,
            discount=_ZERO,
            tax_rate=row.rate,
            tax=row.tax,
            line_total=row.gross if invoice.is_gross else row.net,
        )
        for row in taxes
    ]
    return invoice.model_copy(
        update={
            "credited_invoice": number,
            "items": items,
            "taxes": taxes,
            "subtotal": sum((item.line_total for item in items), _ZERO),
            "discount": _ZERO,
            "shipping": _ZERO,
        }
    )


def gross_total(contents: Sequence[InvoiceContent]) -> Decimal:
    """What these come to, with their taxes."""
    return sum((row.gross for content in contents for row in content.taxes), _ZERO)


def customer_of(address: dict[str, Any] | None) -> CustomerOut:
    """The person and the place of an order's address; without one it was sold at the counter."""
    known = address or {}
    fields = {name: known.get(name) for name in CustomerOut.model_fields if name != "name"}
    return CustomerOut(name=known.get("full_name") or "Counter sale", **fields)


def address_lines(customer: CustomerOut) -> list[str]:
    """The address as it stands on paper."""
    place = " ".join(part for part in (customer.city, customer.state, customer.zip_code) if part)
    lines = (customer.name, customer.street_line_1, customer.street_line_2, place, customer.country)
    return [line for line in lines if line]


def _tax_table(order: Order, lines: Sequence[OrderLine]) -> list[TaxRowOut]:
    paid: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    taxes: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for line in lines:
        paid[line.tax_rate] += line.line_total - line.discount
        taxes[line.tax_rate] += line.tax
    if order.shipping:
        paid[_ZERO] += order.shipping
    table = []
    for rate in sorted(paid, reverse=True):
        net = paid[rate] - taxes[rate] if order.is_gross else paid[rate]
        table.append(TaxRowOut(rate=rate, net=net, tax=taxes[rate], gross=net + taxes[rate]))
    return table


def _costs(pieces: Sequence[Returned], *, is_gross: bool) -> Mapping[Decimal, Decimal]:
    """What was paid for the pieces, with tax, by rate."""
    costs: defaultdict[Decimal, Decimal] = defaultdict(Decimal)
    for line, quantity in pieces:
        paid = line.line_total - line.discount + (_ZERO if is_gross else line.tax)
        costs[line.tax_rate] += paid * quantity / line.quantity
    return costs


def _shares(
    rows: Sequence[TaxRowOut], amount: Decimal, currency: str, costs: Mapping[Decimal, Decimal]
) -> list[Decimal]:
    """Spread the amount over the rates by the costs, and what then is over by what is left of each rate."""
    weights = [round_money(costs.get(row.rate, _ZERO), currency) for row in rows]
    shares = [
        min(share, row.gross) for share, row in zip(spread(amount, weights, currency), rows, strict=True)
    ]
    left = [row.gross - share for share, row in zip(shares, rows, strict=True)]
    more = spread(amount - sum(shares, _ZERO), left, currency)
    return [share + rest for share, rest in zip(shares, more, strict=True)]


def _credited(number: str, rate: Decimal, pieces: Sequence[Returned]) -> str:
    named = [f"{quantity} x {line.title}" for line, quantity in pieces if line.tax_rate == rate]
    return ", ".join(named) or f"Credit for invoice {number}"


def _less(row: TaxRowOut, credit: TaxRowOut) -> TaxRowOut:
    return TaxRowOut(
        rate=row.rate, net=row.net - credit.net, tax=row.tax - credit.tax, gross=row.gross - credit.gross
    )


def _share(row: TaxRowOut, gross: Decimal, currency: str) -> TaxRowOut:
    tax = round_money(gross * row.tax / row.gross, currency)
    return TaxRowOut(rate=row.rate, net=gross - tax, tax=tax, gross=gross)
