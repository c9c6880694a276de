"""Dates of ONIX as partial dates and years of the catalogue."""

import re

from app.catalog.formats.onix import codes
from app.catalog.formats.onix.parts import Part
from app.catalog.formats.texts import FieldRefused
from app.catalog.partial_dates import parse_partial_date

_FORMAT_OF_LENGTH = {4: codes.YEAR, 6: codes.MONTH, 8: codes.DAY}
_LENGTHS = {codes.YEAR: 4, codes.MONTH: 6, codes.DAY: 8}
_BEFORE = re.compile(r"(\d{1,4}) BCE", re.ASCII)


def partial_date(composite: Part) -> str | None:
    """The date in a composite as `1998`, `1998-05` or `1998-05-12`; None where it is given otherwise. FieldRefused."""
    text, form = _text_and_format(composite)
    if form in codes.EXACT_TIMES:
        text, form = text[:8], codes.DAY
    length = _LENGTHS.get(form)
    if length is None:
        return None
    if len(text) != length or not (text.isascii() and text.isdigit()):
        raise FieldRefused(f"must have {length} digits in the date format {form}", "invalid-date")
    partial = "-".join(filter(None, (text[:4], text[4:6], text[6:])))
    parse_partial_date(partial)
    return partial


def year_of(composite: Part) -> int | None:
    """The year of a date, negative before the common era (`750 BCE` in format 12); None where it is given otherwise."""
    text, form = _text_and_format(composite)
    if form == codes.FREE_TEXT:
        match = _BEFORE.fullmatch(text)
        return -int(match[1]) if match else None
    if form in _LENGTHS and text[:4].isascii() and text[:4].isdigit():
        return int(text[:4])
    return None


def _text_and_format(composite: Part) -> tuple[str, str]:
    found = composite.find("Date")
    text = found.text if found else ""
    stated = (found.element.get("dateformat") if found is not None else None) or composite.peek("DateFormat")
    form = stated or _FORMAT_OF_LENGTH.get(len(text), codes.DAY)
    return text, form
