"""What staff send and see of discounts."""

import unicodedata
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from app.catalog.goods.schemas import PartOfName, ShortLine
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    OF_SHOP,
    OMITTED,
    Line,
    Moment,
    Money,
    PatchModel,
    Price,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    shaped,
)
from app.sales.pricing import DiscountType

MOST_IN_SCOPE = 1000
LARGEST_LIMIT = 1_000_000_000
LARGEST_PRIORITY = 1000
_WHOLE = Decimal(100)


def normal_code(text: str) -> str:
    """The one spelling of a code: without blanks around it, in capitals."""
    return unicodedata.normalize("NFKC", text).strip().upper()


Code = Annotated[
    str,
    BeforeValidator(lambda text: normal_code(text) if isinstance(text, str) else text),
    *shaped(
        r"^[A-Z0-9][A-Z0-9_-]{2,39}$",
        "must be 3 to 40 letters, digits, dashes and underscores, such as SPRING-25",
    ),
    Field(
        description="Whoever knows it has the discount, however they write it; null: everybody has it, by itself.",
        examples=["SPRING-25"],
    ),
]
Value = Annotated[
    Price, Field(description="Percent, at most 100, or an amount in the shop's currency.", examples=[15])
]
MinOrder = Annotated[
    Money, Field(ge=0, description="What the goods must come to, before any discount."), OF_SHOP
]
MaxDiscount = Annotated[
    Money, Field(gt=0, description="The most that it takes off an order.", examples=[50]), OF_SHOP
]
StartsAt = Annotated[
    Moment, Field(description="The first moment of it; a plain date is the start of that day in the shop.")
]
EndsAt = Annotated[Moment, Field(description="The first moment after it; null: no end.")]
Limit = Annotated[int, Field(ge=1, le=LARGEST_LIMIT, examples=[100])]
UsageLimit = Annotated[Limit, Field(description="How many orders may have it; null: any number.")]
CustomerLimit = Annotated[
    Limit, Field(description="How many orders of one customer may; null: any number.", examples=[1])
]
ScopeIds = Annotated[list[RowId], Field(max_length=MOST_IN_SCOPE, examples=[[]])]
ItemIds = Annotated[
    ScopeIds,
    Field(
        description="What it is for: these items, what stands in these categories or below, what these authors made."
        " All three empty: everything."
    ),
]
Priority = Annotated[
    int,
    Field(
        ge=-LARGEST_PRIORITY,
        le=LARGEST_PRIORITY,
        description="The highest applies first, each to what those before it left; of equals the older.",
        examples=[0],
    ),
]
IsExclusive = Annotated[
    bool,
    Field(
        description="It goes with no other: it applies alone, where it saves more than the others together."
    ),
]


class DiscountIn(RequestModel):
    """A new discount, or all of one."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "name": "Spring sale",
        "code": "SPRING-25",
        "discount_type": "percentage",
        "value": 15,
        "min_order": 30,
        "max_discount": 50,
        "starts_at": "2030-03-20T00:00:00Z",
        "ends_at": "2030-04-01T00:00:00Z",
        "usage_limit": 500,
        "per_customer_limit": 1,
    }

    name: Annotated[ShortLine, Field(examples=["Spring sale"])] | None = Field(
        default=None, description="As customers read it. Left out: the code, or what it takes off."
    )
    code: Code | None = None
    discount_type: DiscountType
    value: Value
    min_order: MinOrder = Decimal(0)
    max_discount: MaxDiscount | None = None
    starts_at: StartsAt | None = Field(default=None, description="Left out: now.")
    ends_at: EndsAt | None = None
    usage_limit: UsageLimit | None = None
    per_customer_limit: CustomerLimit | None = None
    item_ids: ItemIds = Field(default_factory=list)
    category_ids: ScopeIds = Field(default_factory=list)
    author_ids: ScopeIds = Field(default_factory=list)
    is_exclusive: IsExclusive = False
    priority: Priority = 0
    is_active: bool = True

    @field_validator("value")
    @classmethod
    def _is_no_more_than_all(cls, value: Decimal, info: ValidationInfo) -> Decimal:
        if info.data.get("discount_type") is DiscountType.PERCENTAGE and value > _WHOLE:
            raise ValueError("a percentage must be 100 or less")
        return value

    @field_validator("ends_at")
    @classmethod
    def _ends_after_it_starts(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at is not None and starts_at is not None and ends_at <= starts_at:
            raise ValueError("must be later than starts_at")
        return ends_at

    @property
    def stated_name(self) -> str:
        """The name that was sent, or one that says what there is to say."""
        unit = "%" if self.discount_type is DiscountType.PERCENTAGE else ""
        return self.name or self.code or f"{self.value.normalize():f}{unit} off"


class DiscountPatch(PatchModel):
    """A partial change of a discount."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"ends_at": "2030-04-08T00:00:00Z", "usage_limit": 800}

    name: ShortLine = OMITTED
    code: Code | None = None
    discount_type: DiscountType = OMITTED
    value: Value = OMITTED
    min_order: MinOrder = OMITTED
    max_discount: MaxDiscount | None = None
    starts_at: StartsAt = OMITTED
    ends_at: EndsAt | None = None
    usage_limit: UsageLimit | None = None
    per_customer_limit: CustomerLimit | None = None
    item_ids: ItemIds = OMITTED
    category_ids: ScopeIds = OMITTED
    author_ids: ScopeIds = OMITTED
    is_exclusive: IsExclusive = OMITTED
    priority: Priority = OMITTED
    is_active: bool = OMITTED


class DiscountOut(ResponseModel):
    """A discount."""

    id: RowId = Field(examples=[5])
    name: str = Field(examples=["Spring sale"])
    code: str | None = Field(examples=["SPRING-25"])
    discount_type: DiscountType
    value: Money = Field(examples=[15])
    currency: str = Field(description="Of its amounts (ISO 4217).", examples=["EUR"])
    min_order: Money = Field(examples=[30])
    max_discount: Money | None = Field(examples=[50])
    starts_at: Timestamp
    ends_at: Timestamp | None
    usage_limit: int | None = Field(examples=[500])
    per_customer_limit: int | None = Field(examples=[1])
    used: int = Field(
        description="How many orders have it, those that gave it back not counted.", examples=[17]
    )
    item_ids: list[int] = Field(examples=[[]])
    category_ids: list[int] = Field(examples=[[]])
    author_ids: list[int] = Field(examples=[[]])
    is_exclusive: bool = Field(examples=[False])
    priority: int = Field(examples=[0])
    is_active: bool = Field(examples=[True])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class DiscountSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    NAME = "name"
    NAME_DESC = "-name"
    PRIORITY = "priority"
    PRIORITY_DESC = "-priority"
    STARTS_AT = "starts_at"
    STARTS_AT_DESC = "-starts_at"
    CREATED_AT = "created_at"
    CREATED_AT_DESC = "-created_at"


class DiscountFilter(ListQuery):
    """Filters and order of the discounts."""

    search: PartOfName | None = Field(
        default=None, description="Part of the name; case and accents do not count."
    )
    code: Annotated[Line, Field(max_length=100)] | None = Field(
        default=None, description="Only the one with this code, however it is written."
    )
    discount_type: DiscountType | None = Field(default=None, description="Only discounts of this type.")
    has_code: bool | None = Field(
        default=None, description="true: only those with a code; false: the others."
    )
    is_active: bool | None = Field(default=None, description="Only those that are active, or are not.")
    is_in_force: bool | None = Field(
        default=None, description="true: only what is active, has begun and is not over; false: the rest."
    )
    sort: Annotated[list[DiscountSort], SplitKeys, DistinctKeys] = Field(
        default=[DiscountSort.CREATED_AT_DESC], description="Comma-separated keys; the id decides ties."
    )
