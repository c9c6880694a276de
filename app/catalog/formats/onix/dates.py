"""Dates of ONIX, (text, date format of list 55), as partial dates and years of the catalogue, and back.

What a date says beyond doubt is read, whatever its format is called: `20110831`, `2011-08-31`, `20240000` (the year
alone is known), `20240501T120000+0200` (the day as written), `1998-2003` (from then on).
"""

import re

from app.catalog.formats.dates import read_date
from app.catalog.formats.onix import code_lists
from app.catalog.formats.texts import FieldRefused

_LENGTHS = {code_lists.YEAR: 4, code_lists.MONTH: 6, code_lists.DAY: 8}
FORMAT_OF_LENGTH = {length: form for form, length in _LENGTHS.items()}
_GREGORIAN = frozenset(f"{number:02}" for number in range(15))
"""Formats of list 55; from 20 on they are of other calendars."""

_BEFORE = re.compile(r"(\d{1,4}) BCE", re.ASCII)
_HALVES = {"06": 8, "07": 6, "11": 4}
"""Formats of spans → length of each of their two dates."""

_YEAR_AND_MORE = frozenset({"02", "03", "04", "08", "09", "10"})
"""Weeks, quarters and seasons, and spans of them: of these the year is kept."""


def partial_date_of(text: str, form: str) -> str | None:
    """The date as `1998`, `1998-05` or `1998-05-12`, of a span its beginning. Raises FieldRefused.

    None where it is text, or of another calendar.
    """
    if form not in _GREGORIAN:
        return None
    half = _HALVES.get(form)
    if half and len(text) == 2 * half and text.isascii():
        text = text[:half]
    elif form in _YEAR_AND_MORE:
        text = text[:4]
    try:
        return read_date(text)
    except FieldRefused:
        if form == code_lists.FREE_TEXT:
            return None
        raise


def year_of(text: str, form: str) -> int | None:
    """The year of a date, negative before the common era (`750 BCE` in format 12). Raises FieldRefused.

    None where it is text, or of another calendar.
    """
    if form == code_lists.FREE_TEXT and (match := _BEFORE.fullmatch(text)):
        return -int(match[1])
    if text == "0000":
        return 0
    date = partial_date_of(text, form)
    return int(date[:4]) if date else None


def onix_date(partial: str) -> tuple[str, str]:
    """(text, date format) of a partial date."""
    text = partial.replace("-", "")
    return text, FORMAT_OF_LENGTH[len(text)]


def onix_year(year: int) -> tuple[str, str]:
    """(text, date format) of a year; those before the common era are text."""
    return (f"{year:04}", code_lists.YEAR) if year >= 0 else (f"{-year} BCE", code_lists.FREE_TEXT)
