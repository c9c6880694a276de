"""Codes of goods as scanners and people send them: ISBNs, EAN-13 with or without an add-on, SKUs, in-store numbers.

The label of an item without an ISBN has one of the EAN-13 that shops may give within their walls, which begin with 2:
two, then the item's id in eleven digits, then the check digit (GS1 General Specifications: restricted circulation).
"""

import re
from typing import NamedTuple

from app.catalog.isbn import check_digit_13, parse_isbn, plain

_EAN = re.compile(r"([0-9]{13})([0-9]{5}|[0-9]{2})?")
_SKU = re.compile(r"[A-Z]{2,4}-[0-9]{4,8}")
_ISBN_PREFIX = re.compile(r"978|979[1-9]")
_IN_STORE = "2"


class ScannedCode(NamedTuple):
    """What a code says: an ISBN-13, a SKU or an item. `add_on`: the digits beside an EAN, a price or a number of an issue."""

    isbn: str | None = None
    sku: str | None = None
    item_id: int | None = None
    add_on: str | None = None


def in_store_code(item_id: int) -> str:
    """The number on the label of an item without an ISBN."""
    first_twelve = f"{_IN_STORE}{item_id:011d}"
    return first_twelve + check_digit_13(first_twelve)


def read_code(scanned: str) -> ScannedCode:
    """Read a code in any form in which it is printed. Raises ValueError, whose text is the reason."""
    text = plain(scanned).replace(" ", "")
    if _SKU.fullmatch(text):
        return ScannedCode(sku=text)
    bars = _EAN.fullmatch(text.replace("-", ""))
    if bars is None:
        return ScannedCode(isbn=parse_isbn(scanned))
    ean, add_on = bars.groups()
    if check_digit_13(ean[:12]) != ean[12]:
        raise ValueError("the check digit is wrong; scan it again")
    if ean.startswith(_IN_STORE):
        return ScannedCode(item_id=int(ean[1:12]), add_on=add_on)
    if _ISBN_PREFIX.match(ean) is None:
        raise ValueError(f"the EAN {ean} is no ISBN; goods that are no books are found by their SKU")
    return ScannedCode(isbn=ean, add_on=add_on)
