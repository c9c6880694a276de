"""What a list of books is cut by: the filters, and their values that stand for a range or for any of several things."""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from app.catalog.goods.schemas import GoodsCriteria, OwnerId, check_range
from app.catalog.languages import Language
from app.catalog.models import BookFormat, SupplierAvailability
from app.catalog.partial_dates import Year
from app.catalog.subjects import SubjectScheme
from app.core.db.sorting import SplitKeys
from app.core.http.schemas import Line, RowId, shaped

MOST_VALUES = 20
"""Of one filter."""
YEARS_OF_A_DECADE = 10

LONGEST_SEARCH = 200
"""Characters of a search; also of what its characters stand for."""

_BAND = re.compile(r"(\d{1,10}(?:\.\d{1,2})?)-(\d{1,10}(?:\.\d{1,2})?)?", re.ASCII)
_DIGITS_OF_AN_ID = 18


def _as_one_field(values: object, validate: Any) -> Any:
    """Name the filter in the problem, not its n-th value."""
    try:
        return validate(values)
    except ValidationError as refused:
        problem = refused.errors()[0]
        raise PydanticCustomError("filter_value", "{reason}", {"reason": problem["msg"]}) from None


AnyOf = (Field(max_length=MOST_VALUES), WrapValidator(_as_one_field))
"""The metadata of a filter that may be repeated."""


def price_range(band: str) -> tuple[Decimal, Decimal | None]:
    """From (counts) and to (does not) of a price band such as `10-20` or `200-`. Raises ValueError."""
    match = _BAND.fullmatch(band)
    if match is None:
        raise ValueError("write a price band as 10-20, or as 200- without an end")
    low, high = Decimal(match[1]), Decimal(match[2]) if match[2] else None
    if high is not None and low >= high:
        raise ValueError("a price band must end above its beginning")
    return low, high


def _checked_band(band: str) -> str:
    price_range(band)
    return band


def subject_key(text: str) -> tuple[SubjectScheme | None, str]:
    """Scheme, if one is named, and code of a subject such as `FB` or `thema:FB`."""
    scheme, colon, code = text.rpartition(":")
    return (SubjectScheme(scheme.lower()) if colon else None), code.upper()


def as_id(text: str) -> int | None:
    """The id that digits alone are, where an id or a name may stand."""
    is_id = text.isascii() and text.isdigit() and len(text) <= _DIGITS_OF_AN_ID
    return int(text) if is_id else None


def _short_in_full(text: str) -> str:
    if len(unicodedata.normalize("NFKC", text).casefold()) > LONGEST_SEARCH:
        raise ValueError(f"must have at most {LONGEST_SEARCH} characters when ligatures are written out")
    return text


ShortInFull = AfterValidator(_short_in_full)
"""Characters that stand for whole words make a text too long for the database to look up."""
SearchText = Annotated[Line, Field(min_length=1, max_length=LONGEST_SEARCH), ShortInFull]
NameOrId = Annotated[Line, Field(min_length=1, max_length=200)]
PriceBand = Annotated[Line, AfterValidator(_checked_band)]
Decade = Annotated[int, Field(ge=-4000, le=9990, multiple_of=YEARS_OF_A_DECADE)]
Stars = Annotated[int, Field(ge=0, le=5)]
SubjectKey = Annotated[
    Line,
    Field(max_length=40),
    *shaped(
        r"^(([Tt][Hh][Ee][Mm][Aa]|[Bb][Ii][Ss][Aa][Cc]|[Oo][Ww][Nn]):)?[A-Za-z0-9][A-Za-z0-9._-]{0,29}$",
        "must be the beginning of a subject code, such as FB or thema:FB",
    ),
]


class BookCriteria(GoodsCriteria):
    """Filters of books. All must hold; of a filter's several values, any."""

    search: SearchText | None = Field(
        default=None,
        description="As `q` of `/search`: words, a phrase, or an ISBN in any form; misspelt words too.",
    )
    owner_id: OwnerId | None = None
    author: Annotated[list[NameOrId], *AnyOf] = Field(
        default=[],
        description=(
            "Words of a contributor's name or alias, or parts of them, in any order and spacing, whatever case, accents"
            " and script: `Tolkien, J.R.R.`, `LeGuin`; or an author's id."
        ),
        examples=[["Tolkien, J.R.R."]],
    )
    author_id: Annotated[list[RowId], SplitKeys, *AnyOf] = Field(default=[], description="Authors' ids.")
    language: Annotated[list[Language], SplitKeys, *AnyOf] = Field(
        default=[], description="`en` finds `en-US` too."
    )
    format: Annotated[list[BookFormat], SplitKeys, *AnyOf] = Field(
        default=[], description="How the edition is made."
    )
    series: Annotated[list[NameOrId], *AnyOf] = Field(default=[], description="The series' name.")
    series_id: Annotated[list[RowId], SplitKeys, *AnyOf] = Field(default=[], description="Ids of series.")
    category: Annotated[list[NameOrId], SplitKeys, *AnyOf] = Field(
        default=[], description="Slug or id of a category; its descendants count."
    )
    subject: Annotated[list[SubjectKey], SplitKeys, *AnyOf] = Field(
        default=[], description="Beginning of a subject code, such as `FB` or `thema:FB`.", examples=[["FB"]]
    )
    decade: Annotated[list[Decade], SplitKeys, *AnyOf] = Field(
        default=[], description="First year of a decade.", examples=[[1930]]
    )
    min_year: Year | None = Field(
        default=None, description="Year of first publication, else of the edition; this one or later."
    )
    max_year: Year | None = Field(default=None, description="As `min_year`; this one or earlier.")
    price: Annotated[list[PriceBand], SplitKeys, *AnyOf] = Field(
        default=[], description="From and up to, but not including: `10-20`, `200-`.", examples=[["10-20"]]
    )
    supplier_availability: Annotated[list[SupplierAvailability], SplitKeys, *AnyOf] = Field(
        default=[],
        description="How the supplier says that the book stands, beside the shop's own stock (`in_stock`).",
        examples=[["available", "to_order"]],
    )
    rating: Annotated[list[Stars], SplitKeys, *AnyOf] = Field(
        default=[], description="Average rating, rounded down to whole stars."
    )
    min_rating: Decimal | None = Field(
        default=None, ge=0, le=5, description="Average rating, from this one up; unrated books have none."
    )

    @property
    def has_filters(self) -> bool:
        """Whether any of them was sent."""
        return not BookCriteria.model_fields.keys().isdisjoint(self.model_fields_set)

    @model_validator(mode="after")
    def _has_a_year_range(self) -> Self:
        check_range(self, "min_year", "max_year")
        return self
