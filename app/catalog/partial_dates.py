"""Publication dates as far as they are known: a year, a month or a day (EDTF level 0, ISO 8601-2)."""

import re
from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from app.core.http.schemas import Line

EARLIEST_YEAR = -4000
LATEST_YEAR = 9999

_SHAPE = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", re.ASCII)


class Precision(StrEnum):
    """How much of the date is known."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"


def parse_partial_date(text: str) -> tuple[date, Precision]:
    """The earliest day and the precision of `1998`, `1998-05` or `1998-05-12`. Raises ValueError."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise ValueError("must be a year, a month or a day: 1998, 1998-05 or 1998-05-12")
    year, month, day = match.groups()
    try:
        earliest = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise ValueError("is no date of the calendar") from None
    if day:
        return earliest, Precision.DAY
    return earliest, Precision.MONTH if month else Precision.YEAR


def format_partial_date(earliest: date, precision: str) -> str:
    """Write the date as it was sent: never more than is known."""
    length = {Precision.YEAR: 4, Precision.MONTH: 7, Precision.DAY: 10}[Precision(precision)]
    return earliest.isoformat()[:length]


def check_partial_date(text: str) -> str:
    """The text, which is a partial date. Raises ValueError."""
    parse_partial_date(text)
    return text


PartialDate = Annotated[
    Line,
    AfterValidator(check_partial_date),
    Field(max_length=10, description="A year, a month or a day, as far as known.", examples=["1937-09-21"]),
]
Year = Annotated[int, Field(ge=EARLIEST_YEAR, le=LATEST_YEAR, description="Negative before the common era.")]
