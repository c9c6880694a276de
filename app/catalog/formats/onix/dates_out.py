"""Partial dates and years of the catalogue as dates of ONIX; apart from `dates`, which needs the XML library."""

from datetime import date

from app.catalog.formats.onix import codes
from app.catalog.partial_dates import Precision, format_partial_date

_FORMATS = {Precision.YEAR: codes.YEAR, Precision.MONTH: codes.MONTH, Precision.DAY: codes.DAY}


def onix_date(earliest: date, precision: str) -> tuple[str, str]:
    """(text, date format) of a partial date."""
    return format_partial_date(earliest, precision).replace("-", ""), _FORMATS[Precision(precision)]


def onix_year(year: int) -> tuple[str, str]:
    """(text, date format) of a year; those before the common era are text."""
    return (f"{year:04}", codes.YEAR) if year >= 0 else (f"{-year} BCE", codes.FREE_TEXT)
