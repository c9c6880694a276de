"""Fills a record from the texts of one row: key, values, and what is wrong with them."""

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from app.catalog.books.fields import FieldValue
from app.catalog.formats.cells import CELL_READERS, LIST_FIELDS, CellReader, write_list
from app.catalog.formats.columns import COVER, ISBN_FIELDS
from app.catalog.formats.damaged_isbns import ShortenedIsbn, is_empty, is_shortened_form, repair_isbn
from app.catalog.formats.decoding import CONTROLS, MISREAD
from app.catalog.formats.markup import plain_line, plain_text
from app.catalog.formats.numbers import is_currency, read_item_id, read_price
from app.catalog.formats.people import credits_of, credits_of_commas
from app.catalog.formats.record import Record, RowProblem
from app.catalog.formats.texts import FieldCut, FieldRefused
from app.catalog.isbn import mistyped
from app.core.outbound import LONGEST_URL

LARGEST_CELL = 1_000_000
"""Characters. Nothing that a book has is a thousandth of it."""

_SHOWN = 100
"""Characters of a value in a message."""

Cell = tuple[str, str]
"""(field, text)."""

_DECISIVE = frozenset({*ISBN_FIELDS, "shop_item_id", "title"})
"""What the book is: a row in which that is odd is refused, and mended.

Any other field that is odd is left as it was, and the row warns; a new book goes without, and so without a price
is not for sale.
"""
_NEVER_CHOSEN = frozenset({"price", "currency", "quantity", "sku"})
"""Fields of which none is taken where two columns differ: nobody sells by a guess."""
_CLEANED = "control-characters"
_SEPARATORS = ";|, \n"
"""A list of nothing else is empty."""

_MARK = r"(?:#|(?:vol|volume|bd|band|book)\b\.?)"
_MARK_BEHIND_A_STOP = r"(?:(?:no|nr|part|pt|teil|tome|t)\b\.?)?"
_NUMBERED_SERIES = re.compile(
    rf"([^\s;#][^;#]*?\w[^;#]*?)(?:[\s,;:(\[]+{_MARK}|\s?[;:(\[]\s?{_MARK_BEHIND_A_STOP})\s?"
    r"(\d{1,3}(?:\.\d{1,2})?|[IVX]{1,6})[)\]]?",
    re.IGNORECASE,
)
"""`The Sample #3`, `The Sample, Vol. III`, `The Sample ; 3`, `The Sample [3]`."""


class Normaliser:
    """Fills records from (field, text) pairs of one row, by the rules of one file."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        # What is read under another name than the column's: (name of the value, reader).
        self._rules: dict[str, tuple[str, CellReader]] = {
            name: (name, reader) for name, reader in CELL_READERS.items()
        }
        self._rules["authors"] = ("contributors", credits_of)
        self._rules["additional_authors"] = ("contributors", credits_of_commas)
        self._rules["currency"] = ("currency", self._check_currency)
        self._rules[COVER] = (COVER, _read_address)
        self._rules["price"] = ("price", partial(read_price, currency=currency))

    def fill(
        self,
        record: Record,
        fields: Mapping[str, str],
        shared: Mapping[str, Sequence[Cell]],
        clearing: AbstractSet[str],
    ) -> None:
        """Set key, values and problems from the row's texts; those without a rule are the ISBN's.

        `shared` is what several columns say, as (field, text) of each; `clearing` the fields that an empty text empties.
        """
        values, rules = record.values, self._rules
        for field, text in fields.items():
            rule = rules.get(field)
            if rule is None:
                continue
            name, reader = rule
            cell = text.strip()
            if not cell.isprintable() or "&" in cell or "<" in cell:
                cell = _clean(record, name, cell)
            if cell and (name not in LIST_FIELDS or cell.strip(_SEPARATORS)):
                try:
                    values[name] = reader(cell) if len(cell) <= LARGEST_CELL else _refuse_length()
                except ValueError as refusal:
                    _note(record, name, refusal)
            elif name in clearing:
                values[name] = [] if name in LIST_FIELDS else None
        if shared:
            for name, cells in shared.items():
                if name in rules:
                    self._join(record, name, cells)
        if "currency" in values or record.warnings:
            _weigh_currency(record)
        _set_key(record, fields, shared)
        if "series" in values:
            _settle_series(record, has_position="series_position" in fields or "series_position" in shared)

    def _join(self, record: Record, name: str, cells: Sequence[Cell]) -> None:
        """Set what several columns say of one field: what is in any of them, each thing once; all empty is nothing."""
        found: list[Any] = []
        for field, text in cells:
            cell = _clean(record, name, text)
            if cell:
                read = Record(0, {})
                _take(read, name, self._rules[field][1], cell)
                record.problems += read.problems
                record.warnings += read.warnings
                found += read.values.values()
        if not found:
            return
        distinct = [value for place, value in enumerate(found) if value not in found[:place]]
        if name in LIST_FIELDS:
            listed = write_list(name, [one for value in distinct for one in value])
            _take(record, name, CELL_READERS[name], listed)
        elif name == "description":
            _take(record, name, CELL_READERS[name], "\n\n".join(distinct))
        else:
            # The longest date says more of the same.
            best = max(distinct, key=len) if name == "published_on" else distinct[0]
            if name == "published_on":
                distinct = [value for value in distinct if not best.startswith(value)]
            has_differences = any(value != best for value in distinct)
            if has_differences:
                told = f"its columns differ: {' and '.join(str(value)[:_SHOWN] for value in distinct)}"
                record.warnings.append(RowProblem(name, told, "columns-differ"))
            if name not in _NEVER_CHOSEN or not has_differences:
                record.values[name] = best

    def _check_currency(self, cell: str) -> FieldValue:
        if not is_currency(cell, self._currency):
            raise FieldRefused(
                f"the shop's prices are in {self._currency}, not {cell[:20]}", "wrong-currency"
            )
        return None


def _settle_series(record: Record, *, has_position: bool) -> None:
    """Take the number out of a series' name where no column has it; leave out one of no series."""
    values = record.values
    if values["series"] and not has_position and (match := _NUMBERED_SERIES.fullmatch(values["series"])):
        values["series"], values["series_position"] = match.groups()
    if values.get("series_position") and not values["series"]:
        del values["series_position"]
        complain(record, "series_position", ValueError("needs a series"))


def _weigh_currency(record: Record) -> None:
    """Leave out the currency, and the price where its amount may be of another one than the shop's."""
    record.values.pop("currency", None)
    if any(one.field == "currency" and one.type != _CLEANED for one in record.warnings):
        record.values.pop("price", None)


def _clean(record: Record, name: str, text: str) -> str:
    """The text of a cell without markup, byte order marks, control characters, and space around it."""
    cell = text.strip()
    if name == COVER:
        # What looks like an entity is a parameter.
        return cell
    if "&" in cell or "<" in cell:
        if name == "description":
            cell = plain_text(cell)
        else:
            cell = plain_line(cell, "; " if name in LIST_FIELDS else " ")
    if not cell.isprintable():
        cell = cell.replace("\ufeff", "").translate(MISREAD)
        seen = CONTROLS.sub("", cell)
        if seen != cell:
            told = "had control characters, which are left out"
            record.warnings.append(RowProblem(name, told, _CLEANED))
        cell = seen
    return cell.strip()


def _read_address(cell: str) -> FieldValue:
    """The address, whose rules the client has that calls it."""
    if len(cell) > LONGEST_URL:
        raise FieldRefused(f"must have at most {LONGEST_URL} characters", "string_too_long")
    if not cell.isprintable() or " " in cell:
        raise FieldRefused("is no address: it has spaces or control characters", "url_parsing")
    return cell


def _take(record: Record, name: str, reader: CellReader, cell: str) -> None:
    """Set what the cell says, or what of it can be taken, and note what cannot."""
    try:
        record.values[name] = reader(cell) if len(cell) <= LARGEST_CELL else _refuse_length()
    except ValueError as refusal:
        _note(record, name, refusal)


def _refuse_length() -> FieldValue:
    raise FieldRefused(f"must have at most {LARGEST_CELL} characters", "string_too_long")


def _note(record: Record, name: str, refusal: ValueError) -> None:
    if isinstance(refusal, FieldCut):
        record.values[name] = refusal.kept
    complain(record, name, refusal)


def complain(record: Record, name: str, refusal: ValueError) -> None:
    """Note why a field is not taken: as a problem where the row is nothing without it, else as a warning."""
    kind = getattr(refusal, "type", "invalid-isbn" if name == "isbn" else "value_error")
    noted = record.problems if name in _DECISIVE else record.warnings
    noted.append(RowProblem(name, str(refusal), kind))


def _set_key(record: Record, fields: Mapping[str, str], shared: Mapping[str, Sequence[Cell]]) -> None:
    """Set the ISBN, or of a row without one the item's id."""
    isbns = [cell for name in ISBN_FIELDS if name in fields and (cell := _filled(fields[name]))]
    if shared:
        isbns += [cell for name in ISBN_FIELDS for _, text in shared.get(name, ()) if (cell := _filled(text))]
    if isbns:
        try:
            record.isbn13 = repair_isbn(isbns[0]) if len(isbns) == 1 else _isbn_of_several(isbns)
        except ValueError as refusal:
            record.mistyped_isbn = mistyped(refusal)
            complain(record, "isbn", refusal)
    if record.isbn13 is None and (item_id := fields.get("shop_item_id", "").strip()):
        try:
            record.item_id = read_item_id(item_id)
        except ValueError as refusal:
            complain(record, "shop_item_id", refusal)


def _filled(text: str) -> str:
    """The cell of a number; nothing where it is but the dress of one."""
    cell = text.strip()
    if not cell.isalnum():
        cell = CONTROLS.sub("", cell).strip()
    return "" if is_empty(cell) else cell


def _isbn_of_several(cells: Sequence[str]) -> str:
    """The first decides; another that proves itself must name the same book, and may stand in for a shortened one."""
    # What has no digit, as `n/a`, says nothing beside another.
    cells = [cell for cell in cells if any(map(str.isdigit, cell))] or cells
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
