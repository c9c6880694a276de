"""Dates as files write them: whatever says beyond doubt which year, month or day is meant, as a partial date.

`20110831`, `2011-08-31`, `2011/08/31`, `20240000` (the year alone is known), `2019-03-05T01:00:00+01:00` (the day as
written), `1998-2003` (from then on). `03/04/1998` is two days, and none.
"""

import re

from pydantic import TypeAdapter

from app.catalog.formats.numbers import read_integer
from app.catalog.formats.texts import FieldRefused, checked
from app.catalog.partial_dates import PartialDate

_ZONE = r"(?: ?(?:Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?))?"
_TIME = rf"(?:[T ]\s?|(?=\d{{4}}))\d{{2}}:?\d{{2}}(?::?\d{{2}}(?:[.,]\d+)?)?{_ZONE}"
_DIGITS = re.compile(rf"(\d{{4}})(?:(\d{{2}})(?:(\d{{2}})(?:{_TIME}|{_ZONE}))?)?", re.ASCII)
_DASHED = re.compile(rf"(\d{{4}})([-/.])(\d{{2}})(?:\2(\d{{2}})(?:{_TIME}|{_ZONE}))?", re.ASCII)
_YEARS = re.compile(r"(\d{4})\s?[-/\u2010-\u2015]\s?(\d{4}|1[3-9]|[2-9]\d)", re.ASCII)
"""`1998-2003`, `1998/99`; what may be a month is one."""

_DECIMAL_YEAR = re.compile(r"(\d{4})\.0+", re.ASCII)
_COPYRIGHT_YEAR = re.compile(r"\[?(?:c|cop\.|p|\u00a9|\u2117)?\s?(\d{4})\]?\.?", re.ASCII | re.IGNORECASE)
_DAY_IN_FRONT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.ASCII)
_NAMED = re.compile(
    r"(?:[a-z]+\.?, )?(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -])?(?P<month>[a-z]{3,9})\.?"
    r"(?:[ -](?P<day_behind>\d{1,2})(?:st|nd|rd|th)?)?,?[ -](?P<year>\d{4})",
    re.ASCII | re.IGNORECASE,
)
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_UNKNOWN = ("00", None)
_MONTHS_IN_YEAR = 12
_DATE: TypeAdapter[str] = TypeAdapter(PartialDate)
_PLAIN_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


def read_date(cell: str) -> str:
    """A partial date as `1998`, `1998-05` or `1998-05-12`; of a span its beginning. Raises FieldRefused."""
    return checked(_DATE, cell if _PLAIN_DATE.fullmatch(cell) else _date_of(cell))


def read_year(adapter: TypeAdapter[int], cell: str) -> int:
    """A year, or that of a date. Raises FieldRefused."""
    try:
        return read_integer(adapter, cell)
    except FieldRefused as refusal:
        try:
            return int(read_date(cell)[:4])
        except FieldRefused:
            raise refusal from None


def iso_date(text: str) -> str:
    """The date of figures from the year down, of a span its beginning; may be none of the calendar. Raises ValueError."""
    if match := _YEARS.fullmatch(text):
        first, last = match.groups()
        if last < first[-len(last) :]:
            raise ValueError("ends before it begins")
        return first
    if match := _DIGITS.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DASHED.fullmatch(text):
        year, _, month, day = match.groups()
    else:
        raise ValueError("is no date such as 20110831, 201108 or 2011")
    if month in _UNKNOWN and day not in _UNKNOWN:
        raise ValueError("has a day of no month")
    return "-".join(part for part in (year, month, day) if part not in _UNKNOWN)


def _date_of(cell: str) -> str:
    if match := _DECIMAL_YEAR.fullmatch(cell) or _COPYRIGHT_YEAR.fullmatch(cell):
        return match[1]
    written = _written_out(cell) or _from_the_day_up(cell)
    if written:
        return written
    try:
        return iso_date(cell)
    except ValueError:
        raise FieldRefused(
            "must be a year, a month or a day: 1998, 1998-05 or 1998-05-12; "
            "what may be two days is none, as 03/04/1998",
            "invalid-date",
        ) from None


def _written_out(cell: str) -> str | None:
    """`May 12, 2024`, `12 May 2024`, `May 2024`."""
    match = _NAMED.fullmatch(cell)
    if match is None or (match["day"] and match["day_behind"]):
        return None
    name = match["month"].lower()
    months = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name)]
    if len(months) != 1 and name != "sept":
        return None
    day = match["day"] or match["day_behind"]
    return f"{match['year']}-{months[0]:02}" + (f"-{int(day):02}" if day else "")


def _from_the_day_up(cell: str) -> str | None:
    """`25/12/1998` and `12/25/1998`, where one of the two can be no month, or both are the same."""
    match = _DAY_IN_FRONT.fullmatch(cell)
    if match is None:
        return None
    low, high = sorted((int(match[1]), int(match[3])))
    if low != high and high <= _MONTHS_IN_YEAR:
        return None
    return f"{match[4]}-{low:02}-{high:02}"
