"""What clients send and see of a checkout."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from app.core.http.schemas import Line, Money, RequestModel, ResponseModel, RowId
from app.sales.addresses.schemas import AddressIn, ShippingAddressIn
from app.sales.cart.schemas import Coupon
from app.sales.orders.schemas import Notes

ShippingCode = Annotated[Line, Field(min_length=1, max_length=40, examples=["standard"])]
ExpectedTotal = Annotated[Money, Field(ge=0, description="`total` of the quote.", examples=[27.98])]
_ADDRESS = {
    "full_name": "Ada Lovelace",
    "street_line_1": "1 Market Street",
    "city": "San Francisco",
    "state": "CA",
    "zip_code": "94105",
}


class QuoteIn(RequestModel):
    """Where the cart is to go."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"address": _ADDRESS}

    address: ShippingAddressIn
    shipping_option: ShippingCode | None = Field(default=None, description="The cheapest when none is named.")
    coupon: Coupon | None = Field(default=None, description="Instead of the cart's.")


class CheckoutIn(RequestModel):
    """The order to be made of the cart."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "address": _ADDRESS,
        "shipping_option": "standard",
        "expected_total": 27.98,
    }

    address: ShippingAddressIn | None = Field(default=None, description="Where it goes; or `address_id`.")
    address_id: RowId | None = Field(default=None, description="One of one's saved addresses.")
    billing_address: AddressIn | None = Field(default=None, description="Where the bill goes, if elsewhere.")
    shipping_option: ShippingCode
    expected_total: ExpectedTotal
    coupon: Coupon | None = Field(default=None, description="Instead of the cart's.")
    notes: Notes | None = None

    @model_validator(mode="after")
    def _names_one_address(self) -> Self:
        if (self.address is None) == (self.address_id is None):
            raise ValueError("send either address or address_id")
        return self


class PurchaseIn(RequestModel):
    """One line, bought at once."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"item_id": 42, "quantity": 1, "address": _ADDRESS}

    item_id: RowId
    quantity: Annotated[int, Field(ge=1, le=100, examples=[1])] = 1
    notes: Notes | None = None
    address: ShippingAddressIn
    shipping_option: ShippingCode | None = Field(default=None, description="The cheapest when none is named.")


class ShippingOptionOut(ResponseModel):
    """A way to have it sent."""

    code: str = Field(examples=["standard"])
    name: str = Field(examples=["Standard"])
    price: Money = Field(examples=[3.9])
    days: int = Field(description="Working days until it is there, at most.", examples=[3])
    carrier: str | None = Field(examples=["DHL"])
    is_pickup: bool = Field(description="Whether it waits in the shop.", examples=[False])


class QuoteOut(ResponseModel):
    """What the cart costs at that address now."""

    shipping_options: list[ShippingOptionOut] = Field(description="The cheapest first.")
    shipping_option: str = Field(description="The one that the totals are for.", examples=["standard"])
    subtotal: Money = Field(examples=[25.0])
    discount: Money = Field(examples=[2.5])
    tax: Money = Field(examples=[1.58])
    shipping: Money = Field(examples=[3.9])
    total: Money = Field(description="Send it as `expected_total`.", examples=[27.98])
    currency: str = Field(examples=["EUR"])
    explain: list[str] = Field(
        description="Which discounts count, and why others do not.", examples=[["Spring: 2.50 off."]]
    )
