"""What clients see of facets."""

from pydantic import Field

from app.core.db.paging import COUNTED_EXACTLY
from app.core.http.schemas import ResponseModel


class FacetValue(ResponseModel):
    """A value that books have."""

    value: str = Field(description="What to send as the filter of the facet's name.", examples=["en"])
    label: str = Field(description="What to show.", examples=["en"])
    count: int = Field(description="Books that have it.", examples=[412])


class FacetOut(ResponseModel):
    """The values of one facet, most frequent first."""

    values: list[FacetValue]
    other_count: int = Field(description="Sum of the counts of values that are not shown.", examples=[0])


class FacetsOut(ResponseModel):
    """Every facet by name, and how many books match all filters."""

    total: int = Field(description="Books that match every filter.", examples=[9277])
    is_estimate: bool = Field(
        description=f"Whether more than {COUNTED_EXACTLY} books were estimated from a sample.",
        examples=[False],
    )
    facets: dict[str, FacetOut] = Field(
        examples=[{"language": {"values": [{"value": "en", "label": "en", "count": 412}], "other_count": 0}}]
    )
