"""Credit notes of any amounts and pieces, in any order: never negative, and in the end the invoice itself."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.core.settings.groups import ShopSettings
from app.sales.invoices.contents import credit_of, gross_total, invoice_of
from app.sales.invoices.repository import Returned
from app.sales.invoices.schemas import InvoiceContent
from app.sales.models import Order, OrderLine
from app.sales.pricing import round_money

CENTS = st.integers(min_value=0, max_value=10_000).map(lambda cents: Decimal(cents) / 100)
RATES = st.sampled_from([Decimal(0), Decimal("0.07"), Decimal("0.19"), Decimal("0.08875")])


@st.composite
def invoices(draw: st.DrawFn) -> tuple[InvoiceContent, list[OrderLine]]:
    is_gross, lines = draw(st.booleans()), []
    for _ in range(draw(st.integers(1, 5))):
        total, rate = draw(CENTS), draw(RATES)
        discount = min(total, draw(CENTS))
        paid = total - discount
        tax = round_money(paid * rate / (1 + rate) if is_gross else paid * rate)
        line = OrderLine(item_id=1, title="A book", isbn=None, sku=None, quantity=draw(st.integers(1, 9)))
        line.unit_price, line.line_total = total, total
        line.discount = discount
        line.tax_rate, line.tax = rate, tax
        lines.append(line)
    order = Order(
        number="ORD-1", is_gross=is_gross, shipping=draw(CENTS), subtotal=0, discount=0, address=None
    )
    return invoice_of(order, lines, ShopSettings()), lines


def sums(*contents: InvoiceContent) -> Mapping[Decimal, tuple[Decimal, ...]]:
    found: dict[Decimal, tuple[Decimal, ...]] = {}
    for row in (row for content in contents for row in content.taxes if row.gross):
        known = found.get(row.rate, (Decimal(0),) * 3)
        found[row.rate] = tuple(a + b for a, b in zip(known, (row.net, row.tax, row.gross), strict=True))
    return found


@given(data=st.data(), made=invoices())
def test_credit_notes_never_go_below_zero_and_end_with_the_invoice(
    data: st.DataObject, made: tuple[InvoiceContent, list[OrderLine]]
) -> None:
    invoice, lines = made
    notes: list[InvoiceContent] = []
    asked: list[Any] = data.draw(
        st.lists(st.tuples(CENTS, st.sets(st.sampled_from(range(len(lines))))), max_size=6)
    )
    for amount, chosen in [*asked, (gross_total([invoice]), set())]:
        credited = min(amount, gross_total([invoice]) - gross_total(notes))
        if not credited:
            continue
        pieces = [Returned(lines[index], lines[index].quantity) for index in chosen]
        note = credit_of(invoice, "INV-1", notes, credited, "EUR", pieces)
        assert gross_total([note]) == credited
        assert all(min(row.net, row.tax, row.gross) >= 0 for row in note.taxes)
        notes.append(note)
    assert sums(*notes) == sums(invoice)
