"""What staff send and see of stock."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, field_validator

from app.catalog.goods.schemas import LARGEST_QUANTITY, ItemKind, OnSaleAt, SalePolicyOut
from app.catalog.models import MovementKind
from app.core.db.paging import ListQuery
from app.core.db.sorting import DistinctKeys, SplitKeys
from app.core.http.schemas import (
    OMITTED,
    Line,
    Moment,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
)

MOST_LINES = 1000

Received = Annotated[int, Field(ge=1, le=LARGEST_QUANTITY, examples=[24])]
Delta = Annotated[
    int,
    Field(
        ge=-LARGEST_QUANTITY,
        le=LARGEST_QUANTITY,
        description="So many more on hand, or fewer; never 0.",
        examples=[-2],
    ),
]


OversellLimit = Annotated[
    int,
    Field(
        ge=0,
        le=100_000,
        description="Of `backorder` and `preorder`: so many more than are on hand may be sold; else 0.",
        examples=[50],
    ),
]


class AdjustmentIn(RequestModel):
    """A correction of what is on hand: found, lost, damaged."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"delta": -2, "reason": "Damaged in the shop window"}

    delta: Delta
    reason: Annotated[VisibleLine, Field(max_length=200, description="Why, for the ledger.")]

    @field_validator("delta")
    @classmethod
    def _changes_something(cls, delta: int) -> int:
        if delta == 0:
            raise ValueError("must not be 0")
        return delta


class ReceiptLine(RequestModel):
    """So many of an item arrived."""

    item_id: RowId
    quantity: Received


class ReceiptIn(RequestModel):
    """Goods that arrived; an item named twice arrived in both quantities."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "lines": [{"item_id": 42, "quantity": 24}, {"item_id": 43, "quantity": 6}],
        "reason": "Delivery note 2026-1187",
    }

    lines: Annotated[list[ReceiptLine], Field(min_length=1, max_length=MOST_LINES)]
    reason: (
        Annotated[Line, Field(max_length=200, description="Such as the delivery note, for the ledger.")]
        | None
    ) = None


class StockPatch(PatchModel):
    """What is to be known of an item's stock, and what may be sold of it."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "low_stock_threshold": 5,
        "sale_policy": "preorder",
        "oversell_limit": 50,
        "on_sale_at": "2030-12-01T00:00:00Z",
    }

    sale_policy: SalePolicyOut = OMITTED
    oversell_limit: OversellLimit = OMITTED
    on_sale_at: (
        Annotated[
            Moment,
            Field(
                description=(
                    "Of `preorder`, which needs one: sold before, but sent out no sooner. A moment with its zone, or"
                    " a date, which begins where the shop is."
                ),
                examples=["2030-12-01T00:00:00Z"],
            ),
        ]
        | None
    ) = None

    low_stock_threshold: (
        Annotated[
            int,
            Field(
                ge=0,
                le=LARGEST_QUANTITY,
                description="So many or fewer available are low, which is announced once; null: never.",
            ),
        ]
        | None
    ) = None


class StockOut(ResponseModel):
    """An item's stock, to the piece."""

    item_id: int = Field(examples=[42])
    kind: ItemKind
    sku: str | None = Field(examples=["BK-000042"])
    title: str = Field(examples=["The Hobbit"])
    on_hand: int = Field(description="In the shop.", examples=[12])
    reserved: int = Field(description="Promised to orders: of these, or of what is to come.", examples=[2])
    available: int = Field(
        description="Can be bought now: on hand or within the limit, and not reserved; 0 where nothing is sold.",
        examples=[10],
    )
    sale_policy: SalePolicyOut
    oversell_limit: int = Field(
        description="So many more than are on hand may be sold before they are there.", examples=[0]
    )
    on_sale_at: OnSaleAt
    low_stock_threshold: int | None = Field(examples=[5])
    is_low: bool = Field(
        description="Whether `low_stock_threshold` or fewer are available.", examples=[False]
    )
    version: int = Field(description="Counts the changes of the stock.", examples=[7])


class MovementOut(ResponseModel):
    """One entry of the ledger; none is ever changed or deleted."""

    id: int = Field(examples=[1187])
    item_id: int = Field(examples=[42])
    kind: MovementKind
    delta: int = Field(description="Of what is on hand.", examples=[-2])
    reserved_delta: int = Field(description="Of what is reserved.", examples=[0])
    balance_after: int = Field(description="On hand after it.", examples=[10])
    reason: str | None = Field(examples=["Damaged in the shop window"])
    order_id: int | None = Field(description="The order that it was for.", examples=[None])
    actor_id: int | None = Field(description="The account that moved it.", examples=[7])
    created_at: Timestamp


class ReceiptOut(ResponseModel):
    """What arrived, as it stands in the ledger: one entry for each item, in the order of their ids."""

    movements: list[MovementOut]


class MismatchOut(ResponseModel):
    """An item of which levels, ledger and open orders disagree."""

    item_id: int = Field(examples=[42])
    on_hand: int = Field(examples=[12])
    moved: int = Field(description="The sum of its movements.", examples=[11])
    reserved: int = Field(examples=[2])
    reserved_moved: int = Field(description="The sum of what they reserved.", examples=[2])
    promised: int = Field(description="The sum of what open orders have reserved.", examples=[2])


class ReconciliationOut(ResponseModel):
    """Whether the ledger explains what is in stock."""

    is_sound: bool = Field(description="No item disagrees.", examples=[True])
    items: int = Field(description="How many were compared.", examples=[2464])
    mismatches: int = Field(description="How many disagree.", examples=[0])
    first: list[MismatchOut] = Field(description="The first hundred of them, by id.", examples=[[]])


class StockSort(StrEnum):
    """Sort keys; `-` before a key turns it round."""

    TITLE = "title"
    TITLE_DESC = "-title"
    AVAILABLE = "available"
    AVAILABLE_DESC = "-available"


class StockFilter(ListQuery):
    """Filters and order of the stock."""

    search: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Only items whose title has this."
    )
    sku: Annotated[Line, Field(max_length=20)] | None = Field(
        default=None, description="Only the item with this SKU."
    )
    kind: ItemKind | None = Field(default=None, description="Only items of this kind.")
    is_low: bool | None = Field(default=None, description="true: only what is low; false: only what is not.")
    in_stock: bool | None = Field(default=None, description="true: some are available; false: none.")
    sort: Annotated[list[StockSort], SplitKeys, DistinctKeys] = Field(
        default=[StockSort.TITLE], description="The id decides ties."
    )


class MovementFilter(ListQuery):
    """Filters of an item's movements."""

    kind: MovementKind | None = Field(default=None, description="Only movements of this kind.")
