"""What buyers and staff see of invoices and credit notes."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field, PlainSerializer

from app.core.http.schemas import Money, ResponseModel
from app.sales.models import InvoiceKind

Rate = Annotated[
    Decimal,
    Field(description="A fraction: 0.07 is 7 %.", examples=[0.07]),
    PlainSerializer(float, return_type=float, when_used="json"),
]


class SellerOut(ResponseModel):
    """Who sold, as the shop's settings said then."""

    name: str = Field(examples=["Bookstore"])
    address: list[str] = Field(
        description="Line by line.", examples=[["1 Market Street", "San Francisco, CA 94105"]]
    )
    vat_id: str | None = Field(examples=["DE123456789"])
    footer: list[str] = Field(description="What stands at the foot of every page.", examples=[[]])


class CustomerOut(ResponseModel):
    """Who bought, with the address for the invoice; without one at the till."""

    name: str = Field(examples=["Ada Lovelace"])
    street_line_1: str | None = Field(examples=["1 Market Street"])
    street_line_2: str | None = Field(examples=["Apt. 4"])
    city: str | None = Field(examples=["San Francisco"])
    state: str | None = Field(examples=["CA"])
    zip_code: str | None = Field(examples=["94105"])
    country: str | None = Field(description="ISO 3166-1.", examples=["US"])


class InvoiceItemOut(ResponseModel):
    """A line."""

    item_id: int | None = Field(description="None of a credit note's.", examples=[42])
    title: str = Field(examples=["The Hobbit"])
    isbn: str | None = Field(examples=["9780261102217"])
    sku: str | None = Field(examples=["BK-000042"])
    quantity: int = Field(examples=[2])
    unit_price: Money = Field(examples=[12.5])
    discount: Money = Field(examples=[0])
    tax_rate: Rate
    tax: Money = Field(examples=[1.64])
    line_total: Money = Field(description="Quantity times price, before the discount.", examples=[25])


class TaxRowOut(ResponseModel):
    """All that is taxed at one rate; shipping is taxed at 0."""

    rate: Rate
    net: Money = Field(examples=[23.36])
    tax: Money = Field(examples=[1.64])
    gross: Money = Field(examples=[25])


class InvoiceContent(ResponseModel):
    """What it says beside its number, its dates and its sums."""

    order_number: str = Field(examples=["ORD-00000042"])
    credited_invoice: str | None = Field(
        description="Of a credit note: the invoice that it is about.", examples=[None]
    )
    seller: SellerOut
    customer: CustomerOut
    is_gross: bool = Field(description="Whether prices and discounts contain the tax.", examples=[True])
    items: list[InvoiceItemOut]
    taxes: list[TaxRowOut] = Field(description="The table of taxes, by rate.")
    subtotal: Money = Field(description="The lines' totals.", examples=[25])
    discount: Money = Field(examples=[0])
    shipping: Money = Field(examples=[0])


class InvoiceOut(InvoiceContent):
    """An invoice, or a credit note; it never changes."""

    id: int = Field(examples=[7])
    kind: InvoiceKind
    number: str = Field(
        description="Of a series without gaps, one for each kind and year.", examples=["INV-2026-000042"]
    )
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    amount: Money = Field(description="Before tax.", examples=[23.36])
    tax: Money = Field(examples=[1.64])
    total: Money = Field(description="`amount` + `tax`.", examples=[25])
    issue_date: date = Field(description="The day where the shop is.", examples=["2026-11-29"])
    due_date: date = Field(description="The day of issue: it was paid before.", examples=["2026-11-29"])


class CreditNotesOut(ResponseModel):
    """An order's credit notes, the oldest first."""

    items: list[InvoiceOut]
