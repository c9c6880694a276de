"""What staff send and see of stock-takes."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from app.catalog.goods.schemas import LARGEST_QUANTITY
from app.core.db.paging import ListQuery
from app.core.http.schemas import RequestModel, ResponseModel, RowId, Timestamp, VisibleLine
from app.sales.models import CountStatus
from app.sales.scanning.schemas import Code

MOST_ITEMS = 5000


class CountIn(RequestModel):
    """A stock-take: of a category and those below it, of these items, or of everything."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"name": "Shelf 3"}

    name: Annotated[VisibleLine, Field(max_length=200, examples=["Shelf 3"])] | None = None
    category_id: RowId | None = None
    item_ids: Annotated[list[RowId], Field(min_length=1, max_length=MOST_ITEMS)] | None = None

    @model_validator(mode="after")
    def _has_one_scope(self) -> Self:
        if self.category_id is not None and self.item_ids is not None:
            raise ValueError("send either category_id or item_ids, or neither")
        return self


class CountScanIn(RequestModel):
    """So many more of an item, which `item_id` or `code` names, were counted."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"code": "9780261102217", "quantity": 1}

    item_id: RowId | None = None
    code: Code | None = None
    quantity: Annotated[int, Field(ge=1, le=LARGEST_QUANTITY, examples=[1])] = 1

    @model_validator(mode="after")
    def _names_one_item(self) -> Self:
        if (self.item_id is None) == (self.code is None):
            raise ValueError("send either item_id or code")
        return self


class CountedIn(RequestModel):
    """So many of an item were counted in all."""

    counted: Annotated[int, Field(ge=0, le=LARGEST_QUANTITY, examples=[12])]


class CountLineOut(ResponseModel):
    """What was counted of an item, beside what should have been there."""

    item_id: int = Field(examples=[42])
    title: str = Field(examples=["The Hobbit"])
    isbn: str | None = Field(examples=["9780261102217"])
    sku: str | None = Field(examples=["BK-000042"])
    counted: int = Field(examples=[11])
    expected: int = Field(description="On hand when it was last scanned, or its count set.", examples=[12])
    variance: int = Field(description="`counted` less `expected`: what the commit adjusts.", examples=[-1])
    moved_since: int | None = Field(
        description=(
            "What came in, less what left, since it was counted last: no part of the variance. null when closed."
        ),
        examples=[-2],
    )
    reserved: int = Field(description="Promised to orders now.", examples=[1])
    counted_by: int = Field(description="Who counted it last.", examples=[3])
    counted_at: Timestamp


class CountOut(ResponseModel):
    """A stock-take."""

    id: int = Field(examples=[7])
    name: str | None = Field(examples=["Shelf 3"])
    status: CountStatus
    category_id: int | None = Field(description="Only this and what stands below it.", examples=[7])
    item_ids: list[int] | None = Field(description="Only these.", examples=[None])
    items: int = Field(description="How many items were counted.", examples=[120])
    variances: int = Field(description="In how many of them the count is another.", examples=[3])
    opened_by: int = Field(examples=[3])
    closed_by: int | None = Field(examples=[None])
    created_at: Timestamp
    closed_at: Timestamp | None
    version: int = Field(description="Grows when it is closed.", examples=[1])


class CountDetails(CountOut):
    """A stock-take with all that was counted, by title."""

    lines: list[CountLineOut]


class CountFilter(ListQuery):
    """Filters of stock-takes."""

    status: CountStatus | None = Field(default=None, description="Only those that stand so.")
