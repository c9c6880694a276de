"""What clients send and see of carts."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.core.http.schemas import Line, Money, RequestModel, ResponseModel, RowId

MOST_LINES = 100
MOST_PIECES = 99

Pieces = Annotated[int, Field(ge=1, le=MOST_PIECES, examples=[2])]
Coupon = Annotated[Line, Field(min_length=1, max_length=40, examples=["SPRING10"])]


class CartLineIn(RequestModel):
    """So many more of an item."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"item_id": 42, "quantity": 2}

    item_id: RowId
    quantity: Pieces = 1


class CartQuantity(RequestModel):
    """So many of the item from now on."""

    quantity: Pieces


class CouponIn(RequestModel):
    """A code, in any case."""

    code: Coupon


class CartWarning(ResponseModel):
    """What the buyer should know of the cart, and of which item."""

    code: str = Field(
        description="`price-changed`, `insufficient-stock`, `not-for-sale`, `quantity-clamped`, `line-dropped`"
        " or `coupon-not-valid`.",
        examples=["insufficient-stock"],
    )
    item_id: int | None = Field(examples=[42])
    message: str = Field(examples=["Only 3 of “The Hobbit” can be had now."])


class CartLineOut(ResponseModel):
    """A line at today's price."""

    item_id: int = Field(examples=[42])
    title: str = Field(examples=["The Hobbit"])
    quantity: int = Field(examples=[2])
    unit_price: Money = Field(description="Today's; 0 of what is not for sale.", examples=[12.5])
    line_total: Money = Field(description="Before discounts.", examples=[25.0])
    available: int = Field(description="How many can be bought now.", examples=[12])
    price_changed_from: Money | None = Field(
        description="What it cost when the line was last set, where that was another price.", examples=[None]
    )


class CartOut(ResponseModel):
    """A cart, priced anew."""

    lines: list[CartLineOut] = Field(description="In the order in which they were put in.")
    coupon: str | None = Field(examples=["SPRING10"])
    subtotal: Money = Field(examples=[25.0])
    discount: Money = Field(examples=[2.5])
    total: Money = Field(
        description="Without shipping and, where prices are net, without tax.", examples=[22.5]
    )
    currency: str = Field(examples=["EUR"])
    explain: list[str] = Field(
        description="Which discounts count, and why others do not.", examples=[["Spring: 2.50 off."]]
    )
    warnings: list[CartWarning]
    token: str | None = Field(
        description="A guest's key to the cart, for the header `X-Cart-Token`; null for accounts, and while the"
        " cart was never filled.",
        examples=[None],
    )
    version: int = Field(description="Counts the changes of the cart; 0 before the first.", examples=[3])
