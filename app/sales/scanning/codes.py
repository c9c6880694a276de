"""Codes of goods as scanners and people send them: ISBNs, EAN-13 with or without an add-on, SKUs."""

import re
from typing import NamedTuple

from app.catalog.isbn import check_digit_13, parse_isbn, plain

_EAN = re.compile(r"([0-9]{13})([0-9]{5}|[0-9]{2})?")
_SKU = re.compile(r"[A-Z]{2,4}-[0-9]{4,8}")
_ISBN_PREFIX = re.compile(r"978|979[1-9]")


class ScannedCode(NamedTuple):
    """What a code says: an ISBN-13 or a SKU. `add_on`: the digits beside an EAN, a price or a number of an issue."""

    isbn: str | None
    sku: str | None
    add_on: str | None = None


def read_code(scanned: str) -> ScannedCode:
    """Read a code in any form in which it is printed. Raises ValueError, whose text is the reason."""
    text = plain(scanned).replace(" ", "")
    if _SKU.fullmatch(text):
        return ScannedCode(None, text)
    bars = _EAN.fullmatch(text.replace("-", ""))
    if bars is None:
        return ScannedCode(parse_isbn(scanned), None)
    ean, add_on = bars.groups()
    if check_digit_13(ean[:12]) != ean[12]:
        raise ValueError("the check digit is wrong; scan it again")
    if _ISBN_PREFIX.match(ean) is None:
        raise ValueError(f"the EAN {ean} is no ISBN; goods that are no books are found by their SKU")
    return ScannedCode(ean, None, add_on)
