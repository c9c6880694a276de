"""What the till sends and sees."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from app.catalog.goods.schemas import ItemKind
from app.core.http.schemas import OF_SHOP, Money, RequestModel, ResponseModel, RowId
from app.sales.cart.schemas import Coupon
from app.sales.orders.schemas import LARGEST_LINE, OrderOut
from app.sales.scanning.schemas import Code

_MOST_LINES = 100


class PaidBy(StrEnum):
    """How somebody pays at the counter."""

    CASH = "cash"
    CARD = "card"


class ScanIn(RequestModel):
    """A code that was scanned or typed."""

    code: Code


class ScanOut(ResponseModel):
    """The item of a code, as it is sold now."""

    item_id: int = Field(examples=[42])
    kind: ItemKind
    title: str = Field(examples=["The Hobbit"])
    isbn: str | None = Field(examples=["9780261102217"])
    sku: str | None = Field(examples=["BK-000042"])
    unit_price: Money | None = Field(description="null: it has no price.", examples=[12.5])
    currency: str = Field(examples=["EUR"])
    available: int = Field(description="So many can be bought now.", examples=[10])
    is_for_sale: bool = Field(description="Whether it is sold at all.", examples=[True])
    add_on: str | None = Field(
        description="The digits beside the bar code: a price, or the number of an issue.", examples=["51299"]
    )


class SaleLineIn(RequestModel):
    """So many of an item, which `item_id` or `code` names."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"code": "9780261102217", "quantity": 1}

    item_id: RowId | None = None
    code: Code | None = None
    quantity: Annotated[int, Field(ge=1, le=LARGEST_LINE, examples=[1])] = 1

    @model_validator(mode="after")
    def _names_one_item(self) -> Self:
        if (self.item_id is None) == (self.code is None):
            raise ValueError("send either item_id or code")
        return self


class SaleIn(RequestModel):
    """A sale at the counter."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "lines": [{"code": "9780261102217", "quantity": 1}],
        "payment": "cash",
        "tendered": 20,
    }

    lines: Annotated[list[SaleLineIn], Field(min_length=1, max_length=_MOST_LINES)]
    payment: PaidBy
    tendered: (
        Annotated[Money, Field(ge=0, description="Cash handed over; without it, just enough."), OF_SHOP]
        | None
    ) = None
    coupon: Coupon | None = None
    expected_total: (
        Annotated[Money, Field(ge=0, description="What the buyer was told it costs; else whatever it costs.")]
        | None
    ) = None

    @model_validator(mode="after")
    def _hands_over_cash(self) -> Self:
        if self.tendered is not None and self.payment is not PaidBy.CASH:
            raise ValueError("tendered is of cash alone")
        return self


class PaidOut(ResponseModel):
    """How a sale was paid."""

    payment: PaidBy
    tendered: Money | None = Field(description="Cash handed over; null for a card.", examples=[20.0])
    change: Money | None = Field(description="To give back; null for a card.", examples=[7.5])


class SaleOut(OrderOut, PaidOut):
    """The order of a sale at the counter, and how it was paid."""

    receipt_number: str = Field(description="The order's number.", examples=["ORD-57483923"])
    cashier_id: int | None = Field(description="Who sold it.", examples=[3])
