"""Values of book filters that stand for a range or for any of several things."""

import re
import unicodedata
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

from app.catalog.subjects import SubjectScheme
from app.core.http.schemas import Line, shaped

MOST_VALUES = 20
"""Of one filter."""
YEARS_OF_A_DECADE = 10

LONGEST_SEARCH = 200
"""Characters of a search; also of what its characters stand for."""

_BAND = re.compile(r"(\d{1,10}(?:\.\d{1,2})?)-(\d{1,10}(?:\.\d{1,2})?)?", re.ASCII)
_DIGITS_OF_AN_ID = 18


def _as_one_field(values: object, validate: Any) -> Any:
    """Complain of the filter, not of its n-th value."""
    try:
        return validate(values)
    except ValidationError as refused:
        problem = refused.errors()[0]
        raise PydanticCustomError("filter_value", "{reason}", {"reason": problem["msg"]}) from None


AnyOf = (Field(max_length=MOST_VALUES), WrapValidator(_as_one_field))
"""The metadata of a filter that may be repeated."""


def price_range(band: str) -> tuple[Decimal, Decimal | None]:
    """From (counts) and to (does not) of a price band such as `10-20` or `200-`. ValueError."""
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
