"""What staff see of goods in figures, and what each figure means."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from app.admin.stats.criteria import StatsQuery
from app.admin.stats.schemas import PeriodOut, Share, StatsOut, Sum
from app.core.http.schemas import ResponseModel, Timestamp


class BestsellerKey(StrEnum):
    """What the best of a list have most of."""

    ITEMS = "items"
    REVENUE = "revenue"


class BestsellerQuery(StatsQuery):
    """A period, its buckets, and how much of the list."""

    by: BestsellerKey = Field(default=BestsellerKey.ITEMS, description="What is most.")
    limit: Annotated[int, Field(ge=1, le=100)] = Field(
        default=20, description="At most so many in each currency."
    )


class ItemFigures(ResponseModel):
    """What of an item was sold."""

    orders: int = Field(description="Order lines with it.", examples=[31])
    items: int = Field(description="Pieces in orders that were paid in the period.", examples=[40])
    revenue: Sum = Field(
        description="What they cost without what discounts took off, and before refunds.", examples=[512.4]
    )


class Bestseller(ItemFigures):
    """An item and its place."""

    place: int = Field(examples=[1])
    item_id: int = Field(examples=[7])
    title: str = Field(description="As it is now, or as it was sold last.", examples=["The Hobbit"])
    isbn: str | None = Field(examples=["9780261102217"])
    sku: str | None = Field(examples=["BK-000007"])
    is_there: bool = Field(description="Whether the shop still has the item on its list.", examples=[True])
    previous: ItemFigures | None = Field(description="With `compare=previous`.")


class CurrencyBestsellers(ResponseModel):
    """The best in one currency."""

    currency: str = Field(examples=["EUR"])
    items: list[Bestseller]


class GoodsFigures(ResponseModel):
    """What of all items was sold, those of the list and all others."""

    items: int = Field(description="Pieces.", examples=[412])
    revenue: Sum = Field(examples=[5120.4])


class GoodsBucket(GoodsFigures, PeriodOut):
    """What of all items was sold in a part of the period."""


class BestsellersBesideAll(CurrencyBestsellers):
    """The best in one currency, beside everything."""

    sum: GoodsFigures
    buckets: list[GoodsBucket]


class BestsellersOut(StatsOut, PeriodOut):
    """What sells best."""

    previous: PeriodOut | None = Field(description="What `previous` of each item is of.")
    currencies: list[BestsellersBesideAll]


class StockFigures(ResponseModel):
    """What lies there."""

    items: int = Field(description="Items of which something is on hand.", examples=[812])
    pieces: int = Field(description="Pieces on hand, those set apart for orders too.", examples=[4100])
    reserved: int = Field(description="Of these, set apart for orders.", examples=[37])
    value: Sum = Field(
        description="Pieces on hand at the prices of now; without a price: 0.", examples=[51000]
    )


class CurrencyStock(StockFigures):
    """What lies there, priced in one currency."""

    currency: str = Field(examples=["EUR"])
    unpriced: int = Field(description="Items of which something is on hand, without a price.", examples=[3])
    dead: StockFigures = Field(
        description="Of this: listed before the period, and nothing of it sold in the period."
    )


class MovementFigures(ResponseModel):
    """How many pieces came and went, by the ledger."""

    received: int = Field(description="Delivered, entered with new items, or imported.", examples=[120])
    sold: int = Field(description="Shipped or sold over the counter.", examples=[97])
    returned: int = Field(description="Sent back and taken in.", examples=[4])
    adjusted: int = Field(description="Put right, up less down.", examples=[-2])
    change: int = Field(description="All of it together.", examples=[25])


class MovementBucket(MovementFigures, PeriodOut):
    """Movements of a part of the period."""


class StockPeriod(PeriodOut):
    """Movements of a period."""

    sum: MovementFigures
    buckets: list[MovementBucket]


class StockStatsOut(StatsOut):
    """Stock."""

    as_of: Timestamp = Field(description="When `currencies` was read: it is of now, not of the period.")
    currencies: list[CurrencyStock]
    low: int = Field(description="Items at or below their threshold.", examples=[5])
    sell_through: Share | None = Field(
        description="Pieces paid for in the period ÷ these and what is on hand now; null without any.",
        examples=[0.0231],
    )
    current: StockPeriod
    previous: StockPeriod | None = Field(description="With `compare=previous`.")


class ReturnFigures(ResponseModel):
    """What buyers send back. A return counts when it was asked for."""

    returns: int = Field(examples=[6])
    rejected: int = Field(description="Of these, refused.", examples=[1])
    pieces: int = Field(description="Pieces asked to be sent back.", examples=[9])
    received: int = Field(description="Of these, taken in by now.", examples=[7])
    damaged: int = Field(description="Of those, unfit to be sold.", examples=[1])


class ReturnBucket(ReturnFigures, PeriodOut):
    """Returns of a part of the period."""


class ReturnReason(ResponseModel):
    """Why, in the buyers' own words."""

    reason: str = Field(examples=["Damaged in the post"])
    returns: int = Field(examples=[3])


class CurrencyRefunds(ResponseModel):
    """Money that went back, for whatever reason, in one currency."""

    currency: str = Field(examples=["EUR"])
    refunds: int = Field(examples=[5])
    refunded: Sum = Field(examples=[87.5])


class ReturnPeriod(PeriodOut):
    """The returns of a period."""

    sum: ReturnFigures
    buckets: list[ReturnBucket]
    reasons: list[ReturnReason] = Field(description="The ten most frequent.")
    refunds: list[CurrencyRefunds] = Field(description="Each on its own day, as among the sales.")
    return_rate: Share | None = Field(
        description="`pieces` ÷ pieces sold in the period; null where none were.", examples=[0.0928]
    )


class ReturnStatsOut(StatsOut):
    """Returns and refunds."""

    current: ReturnPeriod
    previous: ReturnPeriod | None = Field(description="With `compare=previous`.")
