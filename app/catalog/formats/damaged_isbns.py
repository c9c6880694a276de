"""ISBNs as spreadsheets leave them: shortened, without their leading zeros, as a formula or a decimal number."""

import re

from app.catalog.formats.markup import plain_line
from app.catalog.isbn import parse_isbn

_EXPONENT = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")
_DECIMAL = re.compile(r"(\d+)[.,]0+")
_FORMULA = re.compile(r'="+([^"]*)"+')
_DRESS = "=\"'[](){}<>-\u2013\u2014. 0"
"""What is left of a cell without a number in it, as `=""`, `[]` and `000-0-00-000000-0`."""
_CUT = re.compile(r"[0-9]{6,8}[0-9Xx]")
"""An ISBN-10 without one to three leading zeros: publishers begin with 0, 00 and 000, not with more."""
_LENGTH = 13
LONGEST_PRINTED = 500
_WEIGHT = 3

SHORTENED = (
    "the spreadsheet program has shortened the number; "
    "format the column as text or as a number without exponent, and export it again"
)


class ShortenedIsbn(ValueError):
    """Digits are lost: nothing but the full number helps."""

    type = "shortened-number"


def is_empty(cell: str) -> bool:
    """Whether the cell is nothing but the dress of a number."""
    return not cell.strip(_DRESS)


def repair_isbn(cell: str) -> str:
    """The ISBN-13 of a cell. Raises ValueError, ShortenedIsbn.

    Leading zeros that a spreadsheet dropped from an ISBN-10 are given back where the check digit proves them.
    """
    if len(cell) == _LENGTH and cell.isascii() and cell.isdigit() and cell.startswith(("978", "979")):
        digits = cell.encode()
        # The codes of ASCII digits instead of their values: 25 times 48 is a multiple of ten.
        if (sum(digits[::2]) + _WEIGHT * sum(digits[1::2])) % 10 == 0 and not cell.startswith("9790"):
            return cell
    return _repaired(cell)


def _repaired(cell: str) -> str:
    if len(cell) > LONGEST_PRINTED:
        raise ValueError("an ISBN has 10 or 13 digits")
    if wrapped := _FORMULA.fullmatch(cell):
        cell = wrapped[1].strip()
    if "&" in cell or "<" in cell:
        cell = plain_line(cell)
    cell = cell.removeprefix("'")
    if _EXPONENT.fullmatch(cell):
        cell = _all_digits(cell)
    if number := _DECIMAL.fullmatch(cell):
        cell = number[1]
    if not _CUT.fullmatch(cell):
        return parse_isbn(cell)
    try:
        return parse_isbn(cell.zfill(10))
    except ValueError:
        raise ValueError(
            f"an ISBN has 10 or 13 digits; with leading zeros given back, {cell.zfill(10)} has a wrong check digit"
        ) from None


def _all_digits(cell: str) -> str:
    """The digits of `9.780439023481E+12`. Raises ShortenedIsbn where some are lost."""
    mantissa, exponent = cell.lower().replace(",", ".").split("e")
    whole, _, fraction = mantissa.partition(".")
    if len(fraction) != int(exponent):
        raise ShortenedIsbn(SHORTENED)
    return whole + fraction


def is_shortened_form(cell: str, isbn13: str) -> bool:
    """Whether the shortened number (`9.78043902348e+12`) is what is left of this ISBN-13."""
    mantissa, _, exponent = cell.lower().replace(",", ".").partition("e")
    whole, _, fraction = mantissa.partition(".")
    places = len(fraction)
    if int(exponent) != _LENGTH - len(whole) or places > int(exponent):
        return False
    unit: int = 10 ** (int(exponent) - places)
    return abs(int(whole + fraction) * unit - int(isbn13)) < unit
