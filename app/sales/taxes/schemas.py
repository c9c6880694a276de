"""What staff send and see of tax rates."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainSerializer, ValidationInfo, field_validator

from app.core.db.paging import ListQuery
from app.core.http.schemas import (
    OMITTED,
    PatchModel,
    RequestModel,
    ResponseModel,
    RowId,
    Timestamp,
    VisibleLine,
)
from app.sales.addresses.places import find_rules
from app.sales.addresses.schemas import Country
from app.sales.pricing import TaxClass

Rate = Annotated[
    Decimal,
    Field(
        ge=0,
        lt=1,
        max_digits=5,
        decimal_places=4,
        allow_inf_nan=False,
        description="A fraction of the net price: 0.07 are 7 per cent.",
        examples=[0.07],
    ),
    PlainSerializer(float, return_type=float, when_used="json"),
]
State = Annotated[
    VisibleLine,
    Field(max_length=100, description="By name or code; null: the whole country.", examples=["CA"]),
]
ValidFrom = Annotated[date, Field(description="The first day, where the shop is.", examples=["2027-01-01"])]
ValidUntil = Annotated[
    date, Field(description="The last day; null: until further notice.", examples=["2027-12-31"])
]


class TaxRateIn(RequestModel):
    """A rate of a country, or of one of its states, for one class of goods."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {
        "country": "US",
        "state": "CA",
        "tax_class": "print",
        "rate": 0.0725,
        "valid_from": "2027-01-01",
    }

    country: Country
    state: State | None = None
    tax_class: TaxClass
    rate: Rate
    valid_from: ValidFrom
    valid_until: ValidUntil | None = None

    @field_validator("state")
    @classmethod
    def _is_of_the_country(cls, state: str | None, info: ValidationInfo) -> str | None:
        rules = find_rules(info.data["country"]) if "country" in info.data else None
        if state is None or rules is None or not rules.states:
            return state
        known = rules.states.get(state.casefold())
        if known is None:
            raise ValueError(f"is no state or region of {info.data['country']}")
        return known


class TaxRatePatch(PatchModel):
    """A change of a rate, or of its days."""

    EXAMPLE: ClassVar[dict[str, Any] | None] = {"valid_until": "2027-12-31"}

    rate: Rate = OMITTED
    valid_from: ValidFrom = OMITTED
    valid_until: ValidUntil | None = None


class TaxRateOut(ResponseModel):
    """A rate of tax and its days."""

    id: RowId = Field(examples=[7])
    country: str = Field(examples=["US"])
    state: str | None = Field(description="null: the whole country.", examples=["CA"])
    tax_class: TaxClass
    rate: Rate
    valid_from: date
    valid_until: date | None = Field(description="The last day; null: until further notice.", examples=[None])
    version: int = Field(description="Row version, as in the ETag; raised by every edit.", examples=[1])
    created_at: Timestamp
    updated_at: Timestamp


class TaxRateFilter(ListQuery):
    """Filters of the rates. All must hold."""

    country: Country | None = Field(default=None, description="Only of this country.")
    tax_class: TaxClass | None = Field(default=None, description="Only of this class.")
    on: date | None = Field(
        default=None, description="Only what is in force on this day.", examples=["2026-12-24"]
    )
