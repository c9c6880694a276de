"""What clients send and see of prices over time."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from app.catalog.goods.schemas import PriceIn
from app.catalog.models import PriceSource, ScheduleState
from app.core.db.paging import ListQuery, Page
from app.core.http.schemas import (
    OMITTED,
    Moment,
    Money,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
)


class PriceQuery(ListQuery):
    """Parameters of a price history."""

    price_as_of: Moment | None = Field(
        default=None,
        description="A moment with its zone: the answer says what the price was, or is planned to be, then.",
        examples=["2026-05-01T12:00:00Z"],
    )


class PriceOut(ResponseModel):
    """A price and since when."""

    price: Money | None = Field(description="null: not for sale.", examples=[14.5])
    currency: str = Field(description="ISO 4217.", examples=["EUR"])
    changed_at: Timestamp = Field(description="The price held from this moment until the next change.")


class PriceHistory(Page[PriceOut]):
    """One page of an item's prices, the newest first."""

    price_as_of: Money | None = Field(
        default=None,
        description="The price at the moment asked for; null where nothing was asked, before the item existed,"
        " and while it was not for sale.",
        examples=[14.5],
    )


class Actor(ResponseModel):
    """An account, by id and name."""

    id: RowId = Field(examples=[3])
    username: str | None = Field(description="null for an account that is gone.", examples=["ada"])


class PriceChangeOut(PriceOut):
    """A price, since when, and by whom."""

    id: RowId = Field(examples=[311])
    source: PriceSource = Field(
        description="`initial`: with the item. `edit`, `import`: somebody set it. `schedule`: a planned price"
        " began or ended.",
        examples=["edit"],
    )
    changed_by: Actor | None = Field(description="null where no account stands behind it.")


class PriceScheduleIn(RequestModel):
    """A planned price. Without `ends_at` it stays; else the regular price returns at that moment."""

    price: PriceIn
    starts_at: Moment | None = Field(
        default=None,
        description="The first moment of the price; left out or past: now.",
        examples=["2030-11-29T00:00:00+01:00"],
    )
    ends_at: Moment | None = Field(
        default=None, description="The first moment after it.", examples=["2030-12-03T00:00:00+01:00"]
    )

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be later than starts_at")
        return self


class PriceSchedulePatch(PatchModel):
    """A change of a planned price. Of one that holds already only `ends_at` can change."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"ends_at": "2030-12-06T00:00:00+01:00"}

    price: PriceIn = OMITTED
    starts_at: Moment = OMITTED
    ends_at: Moment | None = Field(
        default=None,
        description="null makes it a lasting change.",
        examples=["2030-12-06T00:00:00+01:00"],
    )


class PriceScheduleQuery(ListQuery):
    """Filters of an item's planned prices."""

    state: ScheduleState | None = Field(default=None, description="Only those in this state.")


class PriceScheduleOut(ResponseModel):
    """A planned price and what became of it."""

    id: RowId = Field(examples=[5])
    price: Money = Field(examples=[9.9])
    starts_at: Timestamp
    ends_at: Timestamp | None
    state: ScheduleState = Field(
        description="`pending`: to come. `active`: it holds. `ended`: over. `overridden`: an edit of the price came"
        " later and won. `missed`: it was over before the shop could apply it."
    )
    regular_price: Money | None = Field(description="While active: what returns at the end.", examples=[14.5])
    created_by: RowId = Field(validation_alias="actor_id", examples=[3])
    created_at: Timestamp
    version: int = Field(
        description="Row version, as in the ETag; raised by every change, also of the state.", examples=[1]
    )
