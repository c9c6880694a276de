"""Fills a record from the texts of one row: key, values, and what is wrong with them."""

from collections.abc import Mapping, Sequence
from functools import partial

from app.catalog.books.fields import FieldValue
from app.catalog.formats.cells import CELL_READERS, LIST_FIELDS, CellReader
from app.catalog.formats.columns import ISBN_FIELDS
from app.catalog.formats.damaged_isbns import ShortenedIsbn, is_shortened_form, repair_isbn
from app.catalog.formats.markup import plain_line, plain_text
from app.catalog.formats.numbers import read_item_id, read_price
from app.catalog.formats.people import credits_of
from app.catalog.formats.record import Record, RowProblem
from app.catalog.formats.texts import FieldCut, FieldRefused

LARGEST_CELL = 1_000_000
"""Characters. Nothing that a book has is a thousandth of it."""

_KEPT_WHEN_EMPTY = frozenset({"title", "price", "is_price_fixed", "quantity"})
_DECISIVE = frozenset({"isbn", "shop_item_id", "title", "sku", "price", "currency", "quantity"})
"""What the book is, what it costs and how many there are: a row in which that is odd is refused, and mended.

Any other field that is odd is left as it was, and the row warns.
"""


class Normaliser:
    """Fills records from (field, text) pairs of one row, by the rules of one file."""

    def __init__(self, currency: str, *, has_decimal_comma: bool = False) -> None:
        self._currency = currency
        # What is read under another name than the column's: (name of the value, reader).
        self._rules: dict[str, tuple[str, CellReader]] = {
            name: (name, reader) for name, reader in CELL_READERS.items()
        }
        self._rules["authors"] = ("contributors", credits_of)
        self._rules["currency"] = ("currency", self._check_currency)
        if has_decimal_comma:
            self._rules["price"] = ("price", partial(read_price, has_decimal_comma=True))

    def fill(self, record: Record, fields: Mapping[str, str]) -> None:
        """Set key, values and problems from the row's texts; those without a rule are the ISBN's."""
        values, rules = record.values, self._rules
        for field, text in fields.items():
            rule = rules.get(field)
            if rule is None:
                continue
            name, reader = rule
            cell = text.strip()
            if "&" in cell or "<" in cell:
                cell = _without_markup(name, cell)
            if not cell:
                if name not in _KEPT_WHEN_EMPTY:
                    values[name] = [] if name in LIST_FIELDS else None
                continue
            try:
                if len(cell) > LARGEST_CELL:
                    raise FieldRefused(f"must have at most {LARGEST_CELL} characters", "string_too_long")
                values[name] = reader(cell)
            except ValueError as refusal:
                if isinstance(refusal, FieldCut):
                    values[name] = refusal.kept
                complain(record, name, refusal)
        values.pop("currency", None)
        _set_key(record, fields)
        if values.get("series_position") and "series" in values and not values["series"]:
            del values["series_position"]
            complain(record, "series_position", ValueError("needs a series"))

    def _check_currency(self, cell: str) -> FieldValue:
        if cell.upper() != self._currency:
            raise FieldRefused(
                f"the shop's prices are in {self._currency}, not {cell[:20]}", "wrong-currency"
            )
        return None


def _without_markup(name: str, cell: str) -> str:
    if name == "description":
        return plain_text(cell).strip()
    return plain_line(cell, "; " if name in LIST_FIELDS else " ").strip()


def complain(record: Record, name: str, refusal: ValueError) -> None:
    """Note why a field is not taken: as a problem where the row is nothing without it, else as a warning."""
    kind = getattr(refusal, "type", "invalid-isbn" if name == "isbn" else "value_error")
    noted = record.problems if name in _DECISIVE else record.warnings
    noted.append(RowProblem(name, str(refusal), kind))


def _set_key(record: Record, fields: Mapping[str, str]) -> None:
    """Set the ISBN, or of a row without one the item's id."""
    isbns = [cell for name in ISBN_FIELDS if name in fields and (cell := fields[name].strip())]
    if isbns:
        try:
            record.isbn13 = repair_isbn(isbns[0]) if len(isbns) == 1 else _isbn_of_several(isbns)
        except ValueError as refusal:
            complain(record, "isbn", refusal)
    item_id = fields.get("shop_item_id", "").strip()
    if record.isbn13 is None and item_id:
        try:
            record.item_id = read_item_id(item_id)
        except ValueError as refusal:
            complain(record, "shop_item_id", refusal)


def _isbn_of_several(cells: Sequence[str]) -> str:
    """The first decides; another that proves itself must name the same book, and may stand in for a shortened one."""
    proven = []
    for cell in cells[1:]:
        try:
            proven.append(repair_isbn(cell))
        except ValueError:
            continue
    try:
        isbn13 = repair_isbn(cells[0])
    except ShortenedIsbn:
        fitting = [one for one in proven if is_shortened_form(cells[0], one)]
        if not fitting:
            raise
        isbn13 = fitting[0]
    if any(one != isbn13 for one in proven):
        raise ValueError(f"the columns name two books: {', '.join(dict.fromkeys([isbn13, *proven]))}")
    return isbn13
