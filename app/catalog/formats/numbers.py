"""Numbers in cells: `2008.0`, `-750`, `12.50`, and what must not be guessed at."""

import re
from decimal import Decimal

from pydantic import TypeAdapter

from app.catalog.formats.texts import FieldRefused, checked
from app.catalog.goods.schemas import PriceIn
from app.core.http.schemas import RowId

_INTEGER = re.compile(r"([+-]?\d{1,15})(?:\.0{1,2})?", re.ASCII)
"""No more zeros: `1.000` may be a thousand."""
_PAGES = re.compile(r"(\d+) ?(?:pp?\.?|pages|s\.|seiten)", re.ASCII | re.IGNORECASE)
_PRICE = re.compile(r"-?\d{1,15}(?:[.,]\d+)?", re.ASCII)
_GROUPED = re.compile(
    r"(-?\d{1,3}(?:(?P<between>[.,' \u00a0\u202f\u2019])\d{3})(?:(?P=between)\d{3})*)(?:(?!(?P=between))[.,](\d{1,2}))?",
    re.ASCII,
)
"""`1,250.00`, `1.250,00`, `1 250`."""

_NO_DIGIT = re.compile(r"[^\d-]", re.ASCII)
_EXPONENT = re.compile(r"-?\d+(?:[.,]\d+)?[eE][+-]?\d+", re.ASCII)
_CURRENCY_SIGN = re.compile(r"[$\u00a2-\u00a5\u20a0-\u20cf]|\b[A-Z]{3}\b")
_SIGNS = {"EUR": "\u20ac", "GBP": "\u00a3", "USD": "US$"}
"""What stands for one currency alone, as `$` does not."""

_SMALL_PLACES = 2
_THOUSANDS = 3

_ITEM_ID: TypeAdapter[int] = TypeAdapter(RowId)
_AMOUNT: TypeAdapter[Decimal] = TypeAdapter(PriceIn)


def read_integer(adapter: TypeAdapter[int], cell: str) -> int:
    """A whole number within the bounds of its field; `2008.0` is one. Raises FieldRefused."""
    match = _INTEGER.fullmatch(cell)
    if match is None:
        raise _odd_number(cell, "1250")
    return checked(adapter, int(match[1]))


def read_pages(adapter: TypeAdapter[int], cell: str) -> int:
    """A number of pages, with or without the word: `320 p.`. Raises FieldRefused."""
    counted = _PAGES.fullmatch(cell)
    return read_integer(adapter, counted[1] if counted else cell)


def read_item_id(cell: str) -> int:
    """The id of one of this shop's items. Raises FieldRefused."""
    return read_integer(_ITEM_ID, cell)


def is_currency(text: str, currency: str) -> bool:
    """Whether the text is the code or the sign of the currency."""
    return text.upper() in {currency, _SIGNS.get(currency)}


def read_price(cell: str, *, currency: str = "") -> Decimal:
    """A price, with the code or sign of the currency beside it or without; `1,250` may be two prices, and is none.

    Raises FieldRefused.
    """
    for sign in filter(None, (currency, _SIGNS.get(currency))):
        if is_currency(cell[: len(sign)], currency):
            cell = cell[len(sign) :].lstrip()
        elif is_currency(cell[-len(sign) :], currency):
            cell = cell[: -len(sign)].rstrip()
    if not _PRICE.fullmatch(cell):
        grouped = _GROUPED.fullmatch(cell)
        if grouped is None:
            raise _odd_number(cell, "12.50")
        cell = f"{_NO_DIGIT.sub('', grouped[1])}.{grouped[3] or 0}"
    cell = cell.replace(",", ".")
    amount = Decimal(cell)
    _, _, places = cell.partition(".")
    if len(places) == _THOUSANDS:
        raise _odd_number(cell, "1250.00")
    if len(places) > _THOUSANDS and not places[_SMALL_PLACES:].strip("0"):
        amount = amount.quantize(Decimal("0.01"))
    return checked(_AMOUNT, amount)


def _odd_number(cell: str, example: str) -> FieldRefused:
    if _CURRENCY_SIGN.search(cell) and any(map(str.isdigit, cell)):
        return FieldRefused(
            f"must be a number alone, such as {example}, or have the shop's own currency beside it",
            "currency-symbol",
        )
    if _EXPONENT.fullmatch(cell):
        return FieldRefused(f"must be written out, such as {example}, without exponent", "shortened-number")
    if _GROUPED.fullmatch(cell):
        return FieldRefused(f"must have no thousands separator: write {example}", "thousands-separator")
    return FieldRefused(f"must be a number, such as {example}", "not-a-number")
