"""What clients send and see of goods of every kind."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from app.catalog.goods.pictures import PictureOut
from app.catalog.models import SalePolicy
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    OF_SHOP,
    OMITTED,
    Line,
    Money,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Text,
    Timestamp,
    VisibleLine,
    shaped,
)

MOST_TAGS = 20
LARGEST_QUANTITY = 1_000_000
LARGEST_PRICE = Decimal(1_000_000)
LONGEST_NAME = 200
MOST_CATEGORIES = 20


class ItemKind(StrEnum):
    """What an item is. A book stays a book, and a bundle, which is made at `/offers`, a bundle."""

    BOOK = "book"
    MAGAZINE = "magazine"
    STATIONERY = "stationery"
    GAME = "game"
    GIFT = "gift"
    BUNDLE = "bundle"
    OTHER = "other"


def _is_no_bundle(kind: ItemKind) -> ItemKind:
    if kind is ItemKind.BUNDLE:
        raise ValueError("a bundle is made at /offers")
    return kind


def _distinct_lower(tags: list[str]) -> list[str]:
    distinct = list(dict.fromkeys(tag.lower() for tag in tags))
    if len(distinct) > MOST_TAGS:
        raise ValueError(f"at most {MOST_TAGS} tags")
    return distinct


ItemKindIn = Annotated[ItemKind, AfterValidator(_is_no_bundle)]
ShortLine = Annotated[VisibleLine, Field(max_length=200)]
Title = Annotated[VisibleLine, Field(max_length=500, examples=["The Hobbit"])]
Description = Annotated[Text, Field(max_length=20_000, examples=["There and back again."])]
Quantity = Annotated[int, Field(ge=0, le=LARGEST_QUANTITY, description="Available for sale.", examples=[12])]
Sku = Annotated[
    Line,
    *shaped(
        r"^[A-Z]{2,4}-[0-9]{4,8}$",
        "must be two to four capital letters, a dash and four to eight digits, such as BK-000123",
    ),
    Field(examples=["BK-000123"]),
]
Tag = Annotated[VisibleLine, Field(max_length=50)]
Tags = Annotated[
    list[Tag],
    Field(max_length=100, description="Lower-cased, without repetition, at most 20.", examples=[["fantasy"]]),
    AfterValidator(_distinct_lower),
]
PriceIn = Annotated[Money, Field(gt=0, le=LARGEST_PRICE, examples=[12.5]), OF_SHOP]
CategoryIds = Annotated[list[RowId], Field(max_length=MOST_CATEGORIES, examples=[[3]])]
WeightGrams = Annotated[
    int, Field(ge=1, le=1_000_000, description="As it is sent, in whole grams.", examples=[310])
]
IsActive = Annotated[
    bool,
    Field(
        description="false: off sale. Lists and searches leave it out, and only its owner and moderators see it.",
        examples=[True],
    ),
]


class GoodsIn(RequestModel):
    """What every item has."""

    title: Title
    description: Description | None = None
    price: PriceIn
    quantity: Quantity = 0
    weight_grams: WeightGrams | None = None
    sku: Sku | None = None
    tags: Tags = Field(default_factory=list)
    is_active: IsActive = True
    category_ids: CategoryIds = Field(default_factory=list)


class GoodsPatch(PatchModel):
    """A change of what every item has."""

    title: Title = OMITTED
    description: Description | None = None
    price: PriceIn | None = Field(default=None, description="null takes it off: no longer for sale.")
    quantity: Quantity = OMITTED
    weight_grams: WeightGrams | None = None
    sku: Sku | None = None
    tags: Tags = OMITTED
    is_active: IsActive = OMITTED
    category_ids: CategoryIds = OMITTED


OnSaleAt = Annotated[
    Timestamp | None,
    Field(
        description="Of `preorder`: sold before, but sent out no sooner.", examples=["2026-12-01T05:00:00Z"]
    ),
]
SalePolicyOut = Annotated[
    SalePolicy,
    Field(
        description=(
            "What is sold: `in_stock` what is there; `backorder` also what is to come, `preorder` what is not"
            " out before `on_sale_at`, both up to a limit; `none`: nothing for now."
        ),
        examples=["in_stock"],
    ),
]


class CategoryRef(ResponseModel):
    """A category that an item stands in."""

    id: int = Field(examples=[3])
    name: str = Field(examples=["Fantasy"])
    slug: str = Field(examples=["fantasy"])


class ItemOut(ResponseModel):
    """An item."""

    id: RowId = Field(examples=[42])
    kind: ItemKind = Field(examples=["stationery"])
    sku: str | None = Field(examples=["ST-000042"])
    title: str = Field(examples=["Fountain pen"])
    description: str | None
    price: Money | None = Field(description="Without one it is not yet for sale.", examples=[24.9])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    lowest_price_30d: Money | None = Field(
        description="While the price stands reduced: the lowest of the 30 days before (Directive 98/6/EC, art. 6a).",
        examples=[14.5],
    )
    quantity: int = Field(description="So many can be bought now.", examples=[12])
    sale_policy: SalePolicyOut
    on_sale_at: OnSaleAt
    weight_grams: int | None = Field(description="As it is sent; null: not known.", examples=[310])
    tags: list[str] = Field(examples=[["pen"]])
    categories: Annotated[list[CategoryRef], BeforeValidator(lambda listed: listed or [])]
    pictures: list[PictureOut] = Field(description="The main one first.", examples=[[]])
    owner_id: int = Field(examples=[3])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class OwnersView(ResponseModel):
    """What its owner and moderators see of an item, and nobody else."""

    is_active: bool = Field(description="false: off sale, and seen by nobody else.", examples=[True])
    on_hand: int = Field(description="In stock, with what is reserved.", examples=[14])
    reserved: int = Field(description="Of these, for open orders.", examples=[2])
    views: int = Field(description="How often it was looked at, up to some seconds ago.", examples=[311])


class OwnItem(ItemOut, OwnersView):
    """An item as its owner sees it."""


class ItemSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    TITLE = "title"
    TITLE_DESC = "-title"
    PRICE = "price"
    PRICE_DESC = "-price"
    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"
    UPDATED_AT = "updated_at"
    UPDATED_AT_DESC = "-updated_at"
    ADDED = "added"
    POPULARITY = "popularity"


def _split_commas(values: object) -> object:
    if isinstance(values, list):
        return [part.strip() for value in values for part in str(value).split(",") if part.strip()]
    return values


PartOfName = Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME)]
"""What a title or name is to contain; the text of a real search is `index.criteria.SearchText`."""


OwnerId = Annotated[RowId, Field(description="Only what this account sells.", examples=[3])]


class GoodsCriteria(BaseModel):
    """Filters that every list of goods takes. All must hold."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    search: PartOfName | None = Field(
        default=None, description="Part of the title; case and accents do not count."
    )
    tags: Annotated[list[Tag], BeforeValidator(_split_commas), AfterValidator(_distinct_lower)] = Field(
        default=[], description="Comma-separated; all of them."
    )
    min_price: Decimal | None = Field(default=None, ge=0, max_digits=12, description="This price or more.")
    max_price: Decimal | None = Field(default=None, ge=0, max_digits=12, description="This price or less.")
    in_stock: bool | None = Field(default=None, description="true: available now; false: sold out.")

    @model_validator(mode="after")
    def _has_a_price_range(self) -> Self:
        check_range(self, "min_price", "max_price")
        return self


class GoodsFilter(GoodsCriteria, ListQuery):
    """A list of goods: filters, order and window."""

    sort: Annotated[list[ItemSort], SplitKeys, DistinctKeys] = Field(
        default=[ItemSort.TITLE],
        description=(
            "Comma-separated keys; the id decides ties. `added`: the latest first. `popularity`: what sold most in the last 90 days first, by pieces in paid orders;"
            " of equals, and of what did not sell, what was looked at most in the last weeks, a view counting half after 14 days."
        ),
        examples=[["-price"]],
    )


def check_range(model: BaseModel, low: str, high: str) -> None:
    """Refuse a range that is the wrong way round."""
    least, most = getattr(model, low), getattr(model, high)
    if least is not None and most is not None and least > most:
        raise ValueError(f"{low} must not be greater than {high}")
