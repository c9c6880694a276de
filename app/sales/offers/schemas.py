"""What clients send and see of bundles."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from app.catalog.goods.pictures import CoverOut, PictureOut
from app.catalog.goods.schemas import (
    Description,
    GoodsFilter,
    IsActive,
    ItemKind,
    OnSaleAt,
    OwnerId,
    PriceIn,
    SalePolicyOut,
    Title,
)
from app.core.http.schemas import (
    OMITTED,
    Money,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
)

MOST_PARTS = 20


class OfferPartIn(RequestModel):
    """So many of an item in each bundle."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"item_id": 42, "quantity": 2}

    item_id: RowId
    quantity: Annotated[int, Field(ge=1, le=100, examples=[2])] = 1


def _distinct(parts: list[OfferPartIn]) -> list[OfferPartIn]:
    if len({part.item_id for part in parts}) != len(parts):
        raise ValueError("names an item twice; send it once with its quantity")
    return parts


Parts = Annotated[
    list[OfferPartIn],
    Field(
        min_length=1,
        max_length=MOST_PARTS,
        description="Each item once: on sale, no bundle itself, and the seller's own unless a moderator makes it.",
    ),
    AfterValidator(_distinct),
]
_EXAMPLE: dict[str, Any] = {
    "name": "Pen and ink",
    "description": "All that one needs to write.",
    "price": 27.5,
    "items": [{"item_id": 42, "quantity": 1}, {"item_id": 43, "quantity": 2}],
}


class OfferIn(RequestModel):
    """A new bundle."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = _EXAMPLE

    name: Title
    description: Description | None = None
    price: PriceIn
    items: Parts


class OfferPatch(PatchModel):
    """A partial change of a bundle; `items` replaces all of them."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"price": 25, "items": _EXAMPLE["items"]}

    name: Title = OMITTED
    description: Description | None = None
    price: PriceIn = OMITTED
    items: Parts = OMITTED
    is_active: IsActive = OMITTED


class OfferPartOut(ResponseModel):
    """So many of an item in each bundle."""

    item_id: int = Field(examples=[42])
    title: str = Field(examples=["Fountain pen"])
    kind: ItemKind
    quantity: int = Field(examples=[1])
    price: Money | None = Field(description="What one of it costs by itself.", examples=[24.9])
    available: int = Field(description="So many of it can be bought now.", examples=[12])
    cover: CoverOut | None = Field(description="Its main picture.")


class OfferOut(ResponseModel):
    """A bundle: an item of the kind `bundle`, sold as one line."""

    id: RowId = Field(description="Also at `/items`.", examples=[44])
    name: str = Field(examples=["Pen and ink"])
    description: str | None
    price: Money | None = Field(examples=[27.5])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    quantity: int = Field(
        description="So many can be bought now: as many as each of its items suffices for.", examples=[6]
    )
    sale_policy: SalePolicyOut
    on_sale_at: OnSaleAt
    items: Annotated[list[OfferPartOut], BeforeValidator(lambda parts: parts or [])]
    pictures: list[PictureOut] = Field(description="Its own, then the main ones of its items.", examples=[[]])
    owner_id: int = Field(examples=[3])
    is_active: bool = Field(description="false: off sale, and seen by nobody else.", examples=[True])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class OfferFilter(GoodsFilter):
    """Filters and order of bundles."""

    item_id: Annotated[RowId, Field(description="Only bundles with this item.", examples=[42])] | None = None
    owner_id: OwnerId | None = None
