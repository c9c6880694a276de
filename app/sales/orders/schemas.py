"""What clients send and see of orders."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field

from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    Line,
    Moment,
    Money,
    RequestModel,
    ResponseModel,
    RowId,
    Text,
    Timestamp,
    shaped,
)
from app.sales.addresses.schemas import Address
from app.sales.order_states import Action, FulfilmentStatus, OrderPaymentStatus, OrderStatus

LARGEST_LINE = 1000
OrderNumber = Annotated[
    str,
    *shaped(r"^ORD-[0-9]{8}$", "must be the number of an order, such as ORD-57483923"),
    Field(examples=["ORD-57483923"]),
]
Notes = Annotated[Text, Field(max_length=1000, examples=["Please wrap it."])]


class OrderLineOut(ResponseModel):
    """A line as it was bought."""

    id: int = Field(examples=[7])
    item_id: int = Field(description="The item may be gone by now.", examples=[42])
    title: str = Field(examples=["The Hobbit"])
    isbn: str | None = Field(examples=["9780261102217"])
    quantity: int = Field(examples=[2])
    unit_price: Money = Field(examples=[12.5])
    tax_rate: float = Field(description="A fraction: 0.07 is 7 %.", examples=[0.07])
    tax: Money = Field(examples=[1.58])
    discount: Money = Field(description="Its share of all discounts.", examples=[2.5])
    line_total: Money = Field(description="Unit price times quantity, before the discount.", examples=[25.0])
    shipped: int = Field(description="So many of it have left.", examples=[0])


class AppliedDiscountOut(ResponseModel):
    """A discount that counted."""

    code: str | None = Field(examples=["SPRING10"])
    name: str = Field(examples=["Spring"])
    amount: Money = Field(examples=[2.5])


class ChosenShippingOut(ResponseModel):
    """How it is sent."""

    code: str = Field(examples=["standard"])
    name: str = Field(examples=["Standard"])
    price: Money = Field(examples=[3.9])
    days: int | str = Field(examples=[3])


class OrderOut(ResponseModel):
    """An order, with copies of what was bought and where it goes."""

    number: OrderNumber
    status: OrderStatus
    payment_status: OrderPaymentStatus
    fulfilment_status: FulfilmentStatus
    lines: list[OrderLineOut]
    subtotal: Money = Field(examples=[25.0])
    discount: Money = Field(examples=[2.5])
    tax: Money = Field(
        description="Within the prices where `is_gross`, else on top of them.", examples=[1.58]
    )
    shipping: Money = Field(examples=[3.9])
    total: Money = Field(examples=[27.98])
    currency: str = Field(examples=["EUR"])
    is_gross: bool = Field(description="Whether prices contain the tax.", examples=[False])
    address: Address | None = Field(description="null at the counter.")
    billing_address: Address | None
    shipping_option: ChosenShippingOut | None
    applied_discounts: list[AppliedDiscountOut]
    coupon: str | None = Field(examples=["SPRING10"])
    pickup_code: str | None = Field(
        description="To be shown when the buyer collects what lies ready; only they read it, with the order alone.",
        examples=[None],
    )
    notes: str | None = Field(examples=["Please wrap it."])
    expires_at: Timestamp | None = Field(description="Until then it must be paid.")
    created_at: Timestamp
    paid_at: Timestamp | None
    shipped_at: Timestamp | None
    delivered_at: Timestamp | None
    cancelled_at: Timestamp | None
    version: int = Field(description="Counts the changes.", examples=[1])


class ShipmentLine(RequestModel):
    """So many pieces of a line."""

    line_id: RowId
    quantity: Annotated[int, Field(ge=1, le=LARGEST_LINE, examples=[1])]


class ShipmentIn(RequestModel):
    """A parcel: with the lines named, else with all that is left."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"carrier": "DHL", "tracking": "00340434161094000000"}

    carrier: Annotated[Line, Field(min_length=1, max_length=100, examples=["DHL"])] | None = None
    tracking: Annotated[Line, Field(min_length=1, max_length=100)] | None = None
    lines: Annotated[list[ShipmentLine], Field(min_length=1, max_length=100)] | None = None


class ParcelOut(ResponseModel):
    """A parcel, as the timeline tells it."""

    shipment_id: int
    carrier: str | None
    tracking: str | None
    lines: list[dict[str, int]]


class PickupIn(RequestModel):
    """The code that the buyer shows."""

    code: Annotated[Line, Field(min_length=1, max_length=40, examples=["K7MX-34TC"])]


class NoteIn(RequestModel):
    """A note in the timeline; the buyer sees it only if it is public."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"note": "Buyer rang: leave it with the neighbour."}

    note: Annotated[Text, Field(min_length=1, max_length=1000)]
    is_public: bool = False


class OrderEventOut(ResponseModel):
    """An entry of the timeline."""

    id: int = Field(examples=[7])
    kind: str = Field(examples=["shipped"])
    actor_id: int | None = Field(description="Who did it; null: a payment or the clock.", examples=[3])
    note: str | None = Field(examples=[None])
    data: dict[str, Any] | None = Field(examples=[{"carrier": "DHL"}])
    is_public: bool
    created_at: Timestamp


class OrderTimelineOut(ResponseModel):
    """What happened to an order, the first first, and what may be done with it now."""

    events: list[OrderEventOut]
    allowed: list[Action] = Field(examples=[["cancel", "pay"]])


class OrderSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    TOTAL = "total"
    TOTAL_DESC = "-total"


class OrderFilter(ListQuery):
    """Filters and order of orders."""

    status: OrderStatus | None = Field(default=None, description="Only orders that stand so.")
    payment_status: OrderPaymentStatus | None = Field(default=None, description="Only orders paid like this.")
    fulfilment_status: FulfilmentStatus | None = Field(
        default=None, description="Only orders sent like this."
    )
    created_from: Moment | None = Field(default=None, description="Made then or later.")
    created_before: Moment | None = Field(default=None, description="Made before then.")
    item_id: RowId | None = Field(default=None, description="Only orders of this item.")
    sort: Annotated[list[OrderSort], SplitKeys, DistinctKeys] = Field(
        default=[OrderSort.CREATED_AT_DESC], description="The id decides ties."
    )


class StaffOrderFilter(OrderFilter):
    """The same over everybody's orders; with `user_id` a cursor is good for that account's alone."""

    user_id: RowId | None = Field(default=None, description="Only orders of this account.")
    number: OrderNumber | None = Field(default=None, description="Only the order with this number.")
