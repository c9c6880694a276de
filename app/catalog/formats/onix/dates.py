"""Dates of ONIX, (text, date format of list 55), as partial dates and years of the catalogue, and back."""

import re

from app.catalog.formats.onix import code_lists
from app.catalog.formats.texts import FieldRefused
from app.catalog.partial_dates import check_partial_date

_LENGTHS = {code_lists.YEAR: 4, code_lists.MONTH: 6, code_lists.DAY: 8}
FORMAT_OF_LENGTH = {length: form for form, length in _LENGTHS.items()}
_BEFORE = re.compile(r"(\d{1,4}) BCE", re.ASCII)


def partial_date_of(text: str, form: str) -> str | None:
    """The date as `1998`, `1998-05` or `1998-05-12`; None where it is given otherwise. Raises FieldRefused."""
    if form in code_lists.EXACT_TIMES:
        text, form = text[:8], code_lists.DAY
    length = _LENGTHS.get(form)
    if length is None:
        return None
    if len(text) != length or not (text.isascii() and text.isdigit()):
        raise FieldRefused(f"must have {length} digits in the date format {form}", "invalid-date")
    return check_partial_date("-".join(filter(None, (text[:4], text[4:6], text[6:]))))


def year_of(text: str, form: str) -> int | None:
    """The year of a date, negative before the common era (`750 BCE` in format 12); None where it is given otherwise."""
    if form == code_lists.FREE_TEXT:
        match = _BEFORE.fullmatch(text)
        return -int(match[1]) if match else None
    if form in _LENGTHS and text[:4].isascii() and text[:4].isdigit():
        return int(text[:4])
    return None


def onix_date(partial: str) -> tuple[str, str]:
    """(text, date format) of a partial date."""
    text = partial.replace("-", "")
    return text, FORMAT_OF_LENGTH[len(text)]


def onix_year(year: int) -> tuple[str, str]:
    """(text, date format) of a year; those before the common era are text."""
    return (f"{year:04}", code_lists.YEAR) if year >= 0 else (f"{-year} BCE", code_lists.FREE_TEXT)
