"""Dates as files write them: whatever says beyond doubt which year, month or day is meant, as a partial date.

`20110831`, `2011-08-31`, `20240000` (the year alone is known), `2019-03-05T01:00:00+01:00` (the day as written),
`Tue, 5 Mar 2019 13:22:11 GMT`, `1998-2003` (from then on). `03/04/1998` is two days, and none.
"""

import re

from pydantic import TypeAdapter

from app.catalog.formats.numbers import read_integer
from app.catalog.formats.texts import FieldRefused
from app.catalog.isbn import plain
from app.catalog.partial_dates import check_partial_date

_FLAGS = re.ASCII | re.IGNORECASE
_OFFSET = r"(?: ?[+-]\d{1,2}(?::?\d{2})?)?"
_ZONE = rf"(?: ?(?:Z|[A-Z]{{3,4}}|[A-Z]+/[A-Z_]+)\b)?{_OFFSET}(?: ?[\[(][\w/ +-]+[\])])?"
_TIME = re.compile(
    rf"(?:(?<=\d)T|,? ) ?\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?(?: ?[AP]\.?M\b\.?)?{_ZONE}(?= \d{{4}}$|$)",
    _FLAGS,
)
"""A time of the day, which stands behind the day, or before the year as C writes it (`Tue Mar  5 13:22:11 2019`)."""

_DIGITS = re.compile(
    rf"(\d{{4}})(?:(\d{{2}})(?:(\d{{2}})(?:T?\d{{4}}(?:\d{{2}}(?:\d{{3}}|[.,]\d+)?)?)?Z?{_OFFSET})?)?", _FLAGS
)
_DASHED = re.compile(rf"(\d{{4}})([-/.])(?:(\d{{2}})|(\d{{1,2}})\2(\d{{1,2}})Z?{_OFFSET})", _FLAGS)
_YEARS = re.compile(r"(\d{4}) ?[-/] ?(\d{4}|1[3-9]|[2-9]\d)?", re.ASCII)
"""`1998-2003`, `1998/99`, `1998-`; what may be a month is one."""

_DECIMAL_YEAR = re.compile(r"(\d{4})[.,]0+", re.ASCII)
_COPYRIGHT_YEAR = re.compile(r"\[?(?:c|cop\.|p|\u00a9|\u2117)? ?(\d{4})\]?\.?", _FLAGS)
_MONTH_IN_FRONT = re.compile(r"(\d{1,2})[-/.](\d{4})", re.ASCII)
_DAY_IN_FRONT = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.ASCII)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? )?"
_NAMED = re.compile(
    rf"{_WEEKDAY}(?:(?:the )?(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:[ -]| of ))?(?P<month>[a-z]{{3,9}})\.?"
    r"(?:[ -](?P<day_behind>\d{1,2})(?:st|nd|rd|th)?)?,?[ -](?P<year>\d{4})",
    _FLAGS,
)
_NAMED_FROM_THE_YEAR = re.compile(
    r"(?P<year>\d{4}),?[ -](?P<month>[a-z]{3,9})\.?(?:[ -](?P<day>\d{1,2}))?(?P<day_behind>)", _FLAGS
)
_SERIAL = re.compile(r"[2-6]\d{4}(?:[.,]\d+)?", re.ASCII)
"""Days since 1900, from 1954 on."""

_PLACEHOLDERS = ("0001-01-01", "00010101", "9999-12-31", "99991231", "1899-12-30", "1899-12-31", "1900-01-00")
"""What programs write for a day that is not known; the last ones are a spreadsheet's zero."""
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
_UNKNOWN = ("0", "00", None)
_MONTHS_IN_YEAR = 12
_PLAIN_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?", re.ASCII)


def read_date(text: str) -> str:
    """A partial date as `1998`, `1998-05` or `1998-05-12`; of a span its beginning. Raises FieldRefused."""
    if text.startswith(_PLACEHOLDERS):
        raise FieldRefused("is what programs write where no date is known", "invalid-date")
    try:
        return check_partial_date(text if _PLAIN_DATE.fullmatch(text) else _date_of(text))
    except FieldRefused:
        raise
    except ValueError as refusal:
        raise FieldRefused(str(refusal), "invalid-date") from None


def read_year(adapter: TypeAdapter[int], cell: str) -> int:
    """A year, or that of a date. Raises FieldRefused."""
    try:
        return read_integer(adapter, cell)
    except FieldRefused as refusal:
        try:
            return int(read_date(cell)[:4])
        except FieldRefused:
            raise refusal from None


def _date_of(text: str) -> str:
    """The date, which may be none of the calendar."""
    if _SERIAL.fullmatch(text):
        raise FieldRefused(
            "is the number that a spreadsheet keeps a day as: format the column as a date, such as 2019-03-05",
            "invalid-date",
        )
    shown = text if text.isascii() else plain(text)
    shown = _TIME.sub("", " ".join(shown.split()))
    if match := _DECIMAL_YEAR.fullmatch(shown) or _COPYRIGHT_YEAR.fullmatch(shown):
        return match[1]
    found = _written_out(shown) or _from_the_day_up(shown) or _from_the_year_down(shown)
    if found is None:
        raise FieldRefused(
            "is no date that is beyond doubt: write 1998, 1998-05 or 1998-05-12; 03/04/1998 may be two days",
            "invalid-date",
        )
    return found


def _written_out(text: str) -> str | None:
    """`May 12, 2024`, `12th of May 2024`, `2024-May-12`, `May 2024`."""
    match = _NAMED.fullmatch(text) or _NAMED_FROM_THE_YEAR.fullmatch(text)
    if match is None or (match["day"] and match["day_behind"]):
        return None
    name = match["month"].lower()
    months = [number for number, month in enumerate(_MONTHS, 1) if month.startswith(name)]
    if len(months) != 1 and name != "sept":
        return None
    day = match["day"] or match["day_behind"]
    return f"{match['year']}-{months[0]:02}" + (f"-{int(day):02}" if day else "")


def _from_the_day_up(text: str) -> str | None:
    """`25/12/1998` and `12/25/1998`, where one of the two can be no month, or both are the same; `12/1998`."""
    if match := _MONTH_IN_FRONT.fullmatch(text):
        return f"{match[2]}-{int(match[1]):02}"
    match = _DAY_IN_FRONT.fullmatch(text)
    if match is None:
        return None
    low, high = sorted((int(match[1]), int(match[3])))
    if low != high and high <= _MONTHS_IN_YEAR:
        return None
    return f"{match[4]}-{low:02}-{high:02}"


def _from_the_year_down(text: str) -> str | None:
    """The date of figures from the year down, of a span its beginning."""
    if match := _YEARS.fullmatch(text):
        first, last = match.groups()
        return first if last is None or last >= first[-len(last) :] else None
    if match := _DIGITS.fullmatch(text):
        year, month, day = match.groups()
    elif match := _DASHED.fullmatch(text):
        year, _, month_alone, month, day = match.groups()
        month = month or month_alone
    else:
        return None
    if month in _UNKNOWN and day not in _UNKNOWN:
        return None
    return "-".join([year, *(part.zfill(2) for part in (month, day) if part not in _UNKNOWN)])
