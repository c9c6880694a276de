"""What staff send and see of shipping methods."""

from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from app.core.db.paging import ListQuery
from app.core.http.schemas import (
    OF_SHOP,
    OMITTED,
    Line,
    Money,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
    shaped,
)
from app.sales.addresses.schemas import Country

MOST_BANDS = 50
LARGEST_AMOUNT = Decimal(1_000_000)
LARGEST_WEIGHT = 10_000_000


class ShippingBandIn(RequestModel):
    """What a parcel costs up to a weight."""

    up_to_grams: Annotated[int, Field(ge=1, le=LARGEST_WEIGHT, examples=[1000])]
    price: Annotated[Money, Field(ge=0, le=LARGEST_AMOUNT, examples=[2.5]), OF_SHOP]


def _ascending(bands: list[ShippingBandIn]) -> list[ShippingBandIn]:
    ordered = sorted(bands, key=lambda band: band.up_to_grams)
    if len({band.up_to_grams for band in bands}) < len(bands):
        raise ValueError("names a weight twice")
    return ordered


Code = Annotated[
    Line,
    Field(max_length=50, description="What checkout names it by.", examples=["letter"]),
    *shaped(r"^[a-z0-9]+(-[a-z0-9]+)*$", "must be lower-case letters and digits, with single dashes between"),
]
Name = Annotated[VisibleLine, Field(max_length=100, examples=["Letter"])]
Carrier = Annotated[VisibleLine, Field(max_length=100, examples=["National Post"])]
Countries = Annotated[
    list[Country],
    Field(max_length=300, description="Where it goes; none: everywhere.", examples=[["US", "CA"]]),
    AfterValidator(lambda countries: sorted(set(countries))),
]
Amount = Annotated[Money, Field(ge=0, le=LARGEST_AMOUNT), OF_SHOP]
BasePrice = Annotated[Amount, Field(description="Without bands: of any parcel.", examples=[2.5])]
PricePerKg = Annotated[
    Amount,
    Field(description="Without bands: of each kilogram or part of one, beside `price`.", examples=[0.5]),
]
Bands = Annotated[
    list[ShippingBandIn],
    Field(
        max_length=MOST_BANDS,
        description="With bands, the lightest that carries a parcel gives its price, and heavier ones are not sent by it.",
        examples=[[{"up_to_grams": 500, "price": 2.5}, {"up_to_grams": 2000, "price": 4}]],
    ),
    AfterValidator(_ascending),
]
FreeFrom = Annotated[
    Amount, Field(description="From so much for the goods on it is free; null: never.", examples=[50])
]
Days = Annotated[
    int, Field(ge=0, le=365, description="Working days until it is there, at most.", examples=[3])
]
IsPickup = Annotated[bool, Field(description="The buyer collects it in the shop.", examples=[False])]
RefusesPoBox = Annotated[
    bool, Field(description="It is not offered for addresses that are PO boxes.", examples=[True])
]
IsActive = Annotated[bool, Field(description="false: it is not offered.", examples=[True])]


class ShippingMethodIn(RequestModel):
    """A way to send an order, or all of one."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "code": "letter",
        "name": "Letter",
        "carrier": "National Post",
        "countries": ["US"],
        "bands": [{"up_to_grams": 500, "price": 2.5}, {"up_to_grams": 2000, "price": 4}],
        "days": 3,
        "refuses_po_box": False,
    }

    code: Code
    name: Name
    carrier: Carrier | None = None
    countries: Countries = Field(default_factory=list)
    price: BasePrice = Decimal(0)
    price_per_kg: PricePerKg = Decimal(0)
    bands: Bands = Field(default_factory=list)
    free_from: FreeFrom | None = None
    days: Days
    is_pickup: IsPickup = False
    refuses_po_box: RefusesPoBox = True
    is_active: IsActive = True


class ShippingMethodPatch(PatchModel):
    """A change of a way to send orders."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"price": 5.9, "free_from": 60}

    code: Code = OMITTED
    name: Name = OMITTED
    carrier: Carrier | None = None
    countries: Countries = OMITTED
    price: BasePrice = OMITTED
    price_per_kg: PricePerKg = OMITTED
    bands: Bands = OMITTED
    free_from: FreeFrom | None = None
    days: Days = OMITTED
    is_pickup: IsPickup = OMITTED
    refuses_po_box: RefusesPoBox = OMITTED
    is_active: IsActive = OMITTED


class ShippingBandOut(ResponseModel):
    """What a parcel costs up to a weight."""

    up_to_grams: int = Field(examples=[1000])
    price: Money = Field(examples=[2.5])


class ShippingMethodOut(ResponseModel):
    """A way to send orders."""

    id: RowId = Field(examples=[3])
    code: str = Field(examples=["letter"])
    name: str = Field(examples=["Letter"])
    carrier: str | None = Field(examples=["National Post"])
    countries: list[str] = Field(description="None: everywhere.", examples=[["US"]])
    price: Money = Field(examples=[2.5])
    price_per_kg: Money = Field(examples=[0.5])
    bands: list[ShippingBandOut] = Field(description="The lightest first.")
    free_from: Money | None = Field(examples=[50])
    days: int = Field(description="Working days until it is there, at most.", examples=[3])
    is_pickup: bool
    refuses_po_box: bool
    is_active: bool
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class ShippingMethodFilter(ListQuery):
    """Filters of the methods. All must hold."""

    country: Country | None = Field(default=None, description="Only what goes to this country.")
    is_active: bool | None = Field(
        default=None, description="true: only what is offered; false: only what is not."
    )
